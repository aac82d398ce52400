package io.tracemill.udf.table;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.spark.sql.types.StructType;

/**
 * What a table is at one moment.
 *
 * @param claim that holds; empty where there is no table yet
 * @param waves that count under it, in order
 */
record WaveSnapshot(Optional<WaveClaim> claim, List<ParquetWave> waves) {
  WaveSnapshot {
    waves = List.copyOf(waves);
  }

  Set<String> ids() {
    return waves.stream().map(ParquetWave::id).collect(Collectors.toUnmodifiableSet());
  }

  /** Names of the table's files, in order of waves. */
  List<String> files() {
    return waves.stream().flatMap(wave -> wave.files().stream()).toList();
  }

  /** The columns that any writer brought; none where there is no table yet. */
  StructType type() {
    return claim.map(WaveClaim::type).orElseGet(StructType::new);
  }

  /** Whether a wave has got into the table, be it that a later one goes on with its files. */
  boolean has(ParquetWave wave, List<String> brought) {
    return ids().contains(wave.id()) || files().stream().anyMatch(Set.copyOf(brought)::contains);
  }
}
