package io.tracemill.job.output;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.element_at;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.split;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.udf.table.ParquetWave;
import io.tracemill.udf.table.ParquetWaves;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Traces as Parquet files in one flat folder, see {@link ParquetWaves}. Rows that take others'
 * place are written together with what else was in the files of those, which leave the table in the
 * same commit; so the files of the table are its rows, with nothing to be left out by readers.
 */
final class ParquetTraces implements TraceTable {
  private static final String ROWS = "rows";
  private static final long COMPACT_BYTES = 128L << 20;

  /** Fewer new files are not worth a rewriting. */
  private static final long FILES_TO_COMPACT = 32;

  /** Numbers of waves that compactions make, so that no wave of the run has them. */
  private static final int FIRST_COMPACTION = 900_000;

  private final SparkSession spark;
  private final String path;
  private final String runId;
  private final ParquetWaves waves;
  private List<ParquetWave> planned = List.of();
  private long token;
  private int compactions;

  /**
   * @param path the table
   * @param runId the run that writes
   */
  ParquetTraces(SparkSession spark, String path, String runId) throws IOException {
    this.spark = spark;
    this.path = path;
    this.runId = runId;
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    this.waves = new ParquetWaves(path, hadoop);
  }

  @Override
  public Optional<Dataset<Row>> snapshot() {
    return reaching(
        () -> {
          planned = waves.waves();
          return waves.isClaimed() ? Optional.of(waves.read(spark)) : Optional.empty();
        });
  }

  @Override
  public Claim claim(StructType type) {
    return reaching(
        () -> {
          if (token == 0) {
            long mine = Math.max(System.currentTimeMillis(), waves.newestClaim().orElse(0) + 1);
            if (!waves.claim(mine, runId, type)) {
              throw OutputErrors.shutOut(path);
            }
            token = mine;
          }
          return waves.waves().equals(planned) ? Claim.UNCHANGED : Claim.CHANGED;
        });
  }

  @Override
  public void write(Dataset<Row> rows, Wave wave) {
    String written = waves.writing(token, Integer.toString(wave.number()));
    writeCounted(rows, written, wave.rows());
    if (wave.content() == Wave.Content.NEW_ROWS) {
      commit(wave.number(), wave.rows(), Set.of(), written);
    } else {
      replace(written, rows.schema(), wave);
    }
  }

  /** Under this object's lock: two waves may not both take the same file out of the table. */
  private synchronized void replace(String written, StructType type, Wave wave) {
    Dataset<Row> fresh = spark.read().schema(type).parquet(written);
    Column[] identity = {col("row_key"), col("sample_index")};
    Dataset<Row> taken = fresh.select(identity);
    List<String> touched = List.of();
    Map<String, Long> sizes = reaching(waves::sizes);
    if (!sizes.isEmpty()) {
      touched =
          reaching(() -> waves.read(spark))
              .select(
                  col("row_key"),
                  col("sample_index"),
                  element_at(split(col("_metadata.file_path"), "/"), -1).as("file"))
              .join(broadcast(taken), new String[] {"row_key", "sample_index"}, "left_semi")
              .select("file")
              .distinct()
              .as(Encoders.STRING())
              .collectAsList();
    }
    if (touched.isEmpty()) {
      commit(wave.number(), wave.rows(), Set.of(), written);
      return;
    }
    List<String> old = touched;
    Dataset<Row> others =
        reaching(() -> waves.read(spark, old))
            .join(broadcast(taken), new String[] {"row_key", "sample_index"}, "left_anti");
    String merged = waves.writing(token, wave.number() + "-merged");
    long rows = others.count() + wave.rows();
    writeCounted(
        others.unionByName(fresh, true).coalesce(files(old.stream().mapToLong(sizes::get).sum())),
        merged,
        rows);
    commit(wave.number(), rows, Set.copyOf(old), merged);
  }

  private void writeCounted(Dataset<Row> rows, String folder, long due) {
    Observation counted = new Observation();
    rows.observe(counted, count(lit(1)).as(ROWS))
        .write()
        .mode(SaveMode.Overwrite)
        .option("compression", "zstd")
        .parquet(folder);
    long found = rows(counted);
    if (found != due) {
      throw OutputErrors.wrongCount(path, due, found);
    }
  }

  /** The writing has ended, so there is next to nothing to wait for. */
  private static long rows(Observation counted) {
    try {
      return ((Number) counted.getAsJava().get(ROWS)).longValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted between writing and committing", e);
    }
  }

  private void commit(int number, long rows, Set<String> drops, String written) {
    if (!reaching(
        () -> waves.commit(new ParquetWaves.Change(token, number, rows, drops), written))) {
      throw OutputErrors.waveLost(number, path);
    }
  }

  @Override
  public void compact() {
    // While files are exchanged a reader without manifests sees both: not while waves are written.
  }

  @Override
  public synchronized void finish() {
    List<String> small = new ArrayList<>();
    long bytes = 0;
    for (Map.Entry<String, Long> file : reaching(waves::sizes).entrySet()) {
      if (file.getValue() < COMPACT_BYTES / 2) {
        small.add(file.getKey());
        bytes += file.getValue();
      }
    }
    if (small.size() >= FILES_TO_COMPACT) {
      Dataset<Row> rows = reaching(() -> waves.read(spark, small));
      int number = FIRST_COMPACTION + compactions++;
      String written = waves.writing(token, Integer.toString(number));
      long due = rows.count();
      writeCounted(rows.coalesce(files(bytes)), written, due);
      commit(number, due, Set.copyOf(small), written);
    }
    clean();
  }

  private static int files(long bytes) {
    return (int) Math.max(1, (bytes + COMPACT_BYTES - 1) / COMPACT_BYTES);
  }

  @Override
  public void clean() {
    reaching(
        () -> {
          waves.clean(token);
          return token;
        });
  }

  @Override
  public Leftovers removeLeftovers(Predicate<String> ended) {
    return reaching(
        () -> {
          if (token == 0 && waves.hasLeftovers() && !claimBehind(ended)) {
            return Leftovers.LEFT;
          }
          waves.clean(token);
          return waves.hasLeftovers() ? Leftovers.LEFT : Leftovers.GONE;
        });
  }

  /**
   * Claims the table right behind a claim whose run is gone. The claim of a run that comes
   * meanwhile is its time, which is larger: that one holds, and cleaning does nothing.
   */
  private boolean claimBehind(Predicate<String> ended) throws IOException {
    long before = waves.newestClaim().orElse(0);
    boolean gone = waves.holder().filter(ended).isPresent();
    // A run that has just claimed is about to clear away what earlier ones left.
    long stillMillis = System.currentTimeMillis() - Math.max(before, waves.lastMoveMillis());
    if (!gone && stillMillis < TimeUnit.SECONDS.toMillis(ParquetWaves.COMMIT_SECONDS)
        || waves.newestClaim().orElse(0) != before) {
      return false;
    }
    // Where it is not, another run with nothing to write does the same.
    boolean claimed = waves.claim(before + 1, runId, new StructType());
    if (claimed) {
      token = before + 1;
    }
    return claimed;
  }

  private interface Reaching<T> {
    T reach() throws IOException;
  }

  private <T> T reaching(Reaching<T> files) {
    try {
      return files.reach();
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(path, e);
    }
  }
}
