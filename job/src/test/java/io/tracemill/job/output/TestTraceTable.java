package io.tracemill.job.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.delta.exceptions.DeltaConcurrentModificationException;
import io.delta.tables.DeltaTable;
import io.tracemill.job.JobRun;
import io.tracemill.job.output.TraceTable.Leftovers;
import io.tracemill.udf.table.ParquetWaves;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What two runs do to each other at one table, and what half a wave looks like to readers. */
class TestTraceTable {
  private static final StructType TYPE =
      new StructType()
          .add("run_id", DataTypes.StringType)
          .add("wave", DataTypes.IntegerType)
          .add("row_key", DataTypes.StringType)
          .add("sample_index", DataTypes.IntegerType)
          .add("trace", DataTypes.StringType);

  @TempDir private Path folder;

  private OutputTables tables(OutputFormat format) {
    return new OutputTables(folder.resolve("out").toString(), format);
  }

  private static Dataset<Row> rows(String run, int wave, int from, int to, String trace) {
    return JobRun.spark()
        .createDataFrame(
            IntStream.range(from, to)
                .mapToObj(i -> RowFactory.create(run, wave, "k" + i, 0, trace))
                .toList(),
            TYPE);
  }

  private List<String> read(OutputTables tables) {
    return tables.readTraces(JobRun.spark()).orderBy("row_key").collectAsList().stream()
        .map(row -> row.getString(2) + " " + row.getString(4))
        .toList();
  }

  @Test
  void somebodyElseMayCompactAndVacuumADeltaTableWhileWavesAreWritten() throws Exception {
    OutputTables tables = tables(OutputFormat.DELTA);
    TraceTable table = tables.writeTraces(JobRun.spark(), "a");
    table.snapshot();
    table.claim(TYPE);
    table.write(rows("a", 1, 0, 4, "old").repartition(4), wave(1, 4, Wave.Content.NEW_ROWS));
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Integer> meanwhile =
        CompletableFuture.supplyAsync(
            () -> {
              int times = 0;
              while (!done.get()) {
                try {
                  DeltaTable other = DeltaTable.forPath(JobRun.spark(), tables.traces());
                  other.optimize().executeCompaction();
                  other.vacuum();
                } catch (DeltaConcurrentModificationException e) {
                  continue; // The wave was first; it is the other who has to try again.
                }
                times++;
              }
              return times;
            });
    for (int i = 2; i <= 4; i++) {
      table.write(
          rows("a", i, 4 * (i - 1), 4 * i, "old").repartition(4),
          wave(i, 4, Wave.Content.NEW_ROWS));
    }
    table.write(rows("a", 5, 2, 6, "new"), wave(5, 4, Wave.Content.REPLACEMENTS));
    done.set(true);
    assertThat(meanwhile.get(2, TimeUnit.MINUTES)).as("compactions meanwhile").isPositive();
    assertThat(read(tables))
        .hasSize(16)
        .doesNotHaveDuplicates()
        .contains("k2 new", "k5 new", "k6 old", "k15 old")
        .doesNotContain("k2 old", "k5 old");
  }

  /** What somebody sees who knows nothing of manifests. */
  private static List<String> plain(OutputTables tables) {
    return JobRun.spark()
        .read()
        .parquet(tables.traces())
        .orderBy("row_key")
        .collectAsList()
        .stream()
        .map(row -> row.getString(2) + " " + row.getString(4))
        .toList();
  }

  private static Wave wave(int number, int rows, Wave.Content content) {
    return new Wave(number, rows, content);
  }

  @ParameterizedTest
  @EnumSource(OutputFormat.class)
  void aLaterRunShutsOutAnEarlierOneWhichNoticesAtItsNextWave(OutputFormat format) {
    OutputTables tables = tables(format);
    TraceTable first = tables.writeTraces(JobRun.spark(), "a");
    assertThat(first.snapshot()).isEmpty();
    assertThat(first.claim(TYPE)).isEqualTo(TraceTable.Claim.UNCHANGED);
    first.write(rows("a", 1, 0, 2, "a"), wave(1, 2, Wave.Content.NEW_ROWS));

    TraceTable second = tables.writeTraces(JobRun.spark(), "b");
    assertThat(second.snapshot().orElseThrow().count()).isEqualTo(2);
    // The first run commits once more between the second's look and its claim.
    first.write(rows("a", 2, 2, 3, "a"), wave(2, 1, Wave.Content.NEW_ROWS));
    assertThat(second.claim(TYPE)).isEqualTo(TraceTable.Claim.CHANGED);
    assertThat(second.snapshot().orElseThrow().count()).isEqualTo(3);
    assertThat(second.claim(TYPE)).isEqualTo(TraceTable.Claim.UNCHANGED);

    assertThatThrownBy(
            () -> first.write(rows("a", 3, 3, 5, "a"), wave(3, 2, Wave.Content.NEW_ROWS)))
        .hasMessage(
            "Wave 3 was not committed to %s, where a later run has begun to write; let that run finish, it generates these rows too."
                .formatted(tables.traces()));
    second.write(rows("b", 1, 3, 5, "b"), wave(1, 2, Wave.Content.NEW_ROWS));
    assertThat(read(tables)).containsExactly("k0 a", "k1 a", "k2 a", "k3 b", "k4 b");
  }

  @ParameterizedTest
  @EnumSource(OutputFormat.class)
  void replacementsTakeThePlaceOfRowsAndStayThereWhenFilesAreJoined(OutputFormat format) {
    OutputTables tables = tables(format);
    TraceTable table = tables.writeTraces(JobRun.spark(), "a");
    table.snapshot();
    table.claim(TYPE);
    for (int i = 1; i <= 5; i++) {
      table.write(
          rows("a", i, 2 * i, 2 * i + 2, "old").repartition(8), wave(i, 2, Wave.Content.NEW_ROWS));
    }
    table.write(rows("a", 6, 3, 6, "new"), wave(6, 3, Wave.Content.REPLACEMENTS));
    table.write(rows("a", 7, 5, 6, "newer"), wave(7, 1, Wave.Content.REPLACEMENTS));
    List<String> expected =
        List.of(
            "k10 old",
            "k11 old",
            "k2 old",
            "k3 new",
            "k4 new",
            "k5 newer",
            "k6 old",
            "k7 old",
            "k8 old",
            "k9 old");
    assertThat(read(tables)).isEqualTo(expected);
    if (format == OutputFormat.PARQUET) {
      assertThat(plain(tables)).isEqualTo(expected);
    }
    table.finish();
    assertThat(read(tables)).isEqualTo(expected);

    TraceTable later = tables.writeTraces(JobRun.spark(), "b");
    later.snapshot();
    later.claim(TYPE);
    later.clean();
    later.write(rows("b", 1, 2, 3, "last"), wave(1, 1, Wave.Content.REPLACEMENTS));
    assertThat(read(tables)).hasSize(10).contains("k2 last", "k5 newer");
  }

  @ParameterizedTest
  @EnumSource(OutputFormat.class)
  void aWaveOfAWrongSizeIsAnError(OutputFormat format) {
    TraceTable table = tables(format).writeTraces(JobRun.spark(), "a");
    table.snapshot();
    table.claim(TYPE);
    assertThatThrownBy(
            () -> table.write(rows("a", 1, 0, 2, "a"), wave(1, 3, Wave.Content.NEW_ROWS)))
        .hasMessageEndingWith("has 2 rows where 3 were due; do not use the table.");
  }

  @Test
  void filesWithoutAManifestAreNotReadAndAreClearedAway() throws Exception {
    OutputTables tables = tables(OutputFormat.PARQUET);
    TraceTable table = tables.writeTraces(JobRun.spark(), "a");
    table.snapshot();
    table.claim(TYPE);
    table.write(rows("a", 1, 0, 2, "a"), wave(1, 2, Wave.Content.NEW_ROWS));
    table.write(rows("a", 2, 2, 4, "a"), wave(2, 2, Wave.Content.NEW_ROWS));
    assertThat(plain(tables)).containsExactly("k0 a", "k1 a", "k2 a", "k3 a");
    assertThat(waves(tables).hasLeftovers()).isFalse();
    // As if the second wave's driver had died before it wrote the manifest.
    Path manifests = Path.of(tables.traces(), "_waves");
    try (Stream<Path> files = Files.list(manifests)) {
      Files.delete(
          files.filter(file -> file.toString().endsWith("-000002.json")).findFirst().orElseThrow());
    }
    Path foreign = Files.createFile(Path.of(tables.traces(), "notes.txt"));
    assertThat(read(tables)).containsExactly("k0 a", "k1 a");
    TraceTable later = tables.writeTraces(JobRun.spark(), "b");
    assertThat(waves(tables).hasLeftovers()).isTrue();
    assertThat(later.snapshot().orElseThrow().count()).isEqualTo(2);
    later.claim(TYPE);
    later.clean();
    assertThat(waves(tables).hasLeftovers()).isFalse();
    assertThat(foreign).exists();
    Files.delete(foreign);
    assertThat(plain(tables)).isEqualTo(read(tables)).containsExactly("k0 a", "k1 a");
    // The first run lives after all: it may neither commit nor clear anything away.
    later.write(rows("b", 1, 2, 3, "b"), wave(1, 1, Wave.Content.NEW_ROWS));
    assertThatThrownBy(
            () -> table.write(rows("a", 3, 3, 4, "a"), wave(3, 1, Wave.Content.NEW_ROWS)))
        .hasMessageStartingWith("Wave 3 was not committed to ");
    table.finish();
    assertThat(plain(tables)).isEqualTo(read(tables)).containsExactly("k0 a", "k1 a", "k2 b");
  }

  private static ParquetWaves waves(OutputTables tables) throws IOException {
    return new ParquetWaves(tables.traces(), JobRun.spark().sparkContext().hadoopConfiguration());
  }

  /** A copy of a file of the table under the name of a wave that has no manifest. */
  private static Path moved(OutputTables tables) throws IOException {
    try (Stream<Path> files = Files.list(Path.of(tables.traces()))) {
      Path file =
          files
              .filter(each -> each.getFileName().toString().startsWith("wave-"))
              .findFirst()
              .orElseThrow();
      return Files.copy(
          file,
          file.resolveSibling(file.getFileName().toString().replaceAll("-\\d{6}-", "-900000-")));
    }
  }

  @Test
  void aRunWithNothingToWriteTakesNothingFromARunThatMayBeAlive() throws Exception {
    OutputTables tables = tables(OutputFormat.PARQUET);
    TraceTable live = tables.writeTraces(JobRun.spark(), "a");
    live.snapshot();
    live.claim(TYPE);
    live.write(rows("a", 1, 0, 2, "a"), wave(1, 2, Wave.Content.NEW_ROWS));
    Path moved = moved(tables);
    TraceTable idle = tables.writeTraces(JobRun.spark(), "b");
    assertThat(idle.snapshot().orElseThrow().count()).isEqualTo(2);
    assertThat(idle.removeLeftovers(run -> !run.equals("a"))).isEqualTo(Leftovers.LEFT);
    assertThat(moved).exists();
    live.write(rows("a", 2, 2, 4, "a"), wave(2, 2, Wave.Content.NEW_ROWS));
    assertThat(read(tables)).containsExactly("k0 a", "k1 a", "k2 a", "k3 a");

    // It has ended, and while that is looked up another run begins.
    TraceTable next = tables.writeTraces(JobRun.spark(), "c");
    assertThat(
            idle.removeLeftovers(
                run -> {
                  next.snapshot();
                  next.claim(TYPE);
                  return run.equals("a");
                }))
        .isEqualTo(Leftovers.LEFT);
    next.write(rows("c", 1, 4, 5, "c"), wave(1, 1, Wave.Content.NEW_ROWS));
    assertThat(moved).exists();
    assertThat(idle.removeLeftovers(run -> run.equals("c"))).isEqualTo(Leftovers.GONE);
    assertThat(moved).doesNotExist();
    assertThat(plain(tables)).isEqualTo(read(tables)).hasSize(5);
  }

  @Test
  void filesThatHaveNotMovedForLongerThanACommitTakesAreOfADeadRun() throws Exception {
    OutputTables tables = tables(OutputFormat.PARQUET);
    ParquetWaves waves = waves(tables);
    long stillMillis = TimeUnit.SECONDS.toMillis(ParquetWaves.COMMIT_SECONDS + 60);
    long claimed = System.currentTimeMillis() - stillMillis;
    waves.claim(claimed, "dead", TYPE);
    String written = waves.writing(claimed, "1");
    rows("dead", 1, 0, 2, "a").write().parquet(written);
    assertThat(waves.commit(new ParquetWaves.Change(claimed, 1, 2, Set.of()), written)).isTrue();
    Path moved = moved(tables);
    TraceTable idle = tables.writeTraces(JobRun.spark(), "b");
    assertThat(idle.removeLeftovers(run -> false)).isEqualTo(Leftovers.LEFT);
    List<Path> all;
    try (Stream<Path> files = Files.list(moved.getParent())) {
      all = Stream.concat(files, Stream.of(moved.getParent())).toList();
    }
    for (Path each : all) {
      Files.setLastModifiedTime(each, FileTime.fromMillis(claimed));
    }
    assertThat(idle.removeLeftovers(run -> false)).isEqualTo(Leftovers.GONE);
    assertThat(plain(tables)).isEqualTo(read(tables)).containsExactly("k0 a", "k1 a");
    assertThat(waves.newestClaim()).as("no later run is shut out").hasValue(claimed + 1);
  }

  @Test
  void aManifestThatComesAfterALaterClaimCountsForNobody() throws Exception {
    OutputTables tables = tables(OutputFormat.PARQUET);
    TraceTable first = tables.writeTraces(JobRun.spark(), "a");
    first.snapshot();
    first.claim(TYPE);
    first.write(rows("a", 1, 0, 2, "a"), wave(1, 2, Wave.Content.NEW_ROWS));
    Path manifests = Path.of(tables.traces(), "_waves");
    Path manifest;
    try (Stream<Path> files = Files.list(manifests)) {
      manifest = files.filter(file -> file.toString().endsWith(".json")).findFirst().orElseThrow();
    }
    byte[] late = Files.readAllBytes(manifest);
    // It reaches the folder only when another run has looked and claimed.
    Files.delete(manifest);
    TraceTable second = tables.writeTraces(JobRun.spark(), "b");
    second.snapshot();
    second.claim(TYPE);
    Files.write(manifest, late);
    assertThat(read(tables)).isEmpty();
    second.write(rows("b", 1, 0, 2, "b"), wave(1, 2, Wave.Content.NEW_ROWS));
    second.finish();
    assertThat(plain(tables)).isEqualTo(read(tables)).containsExactly("k0 b", "k1 b");
  }

  @Test
  void manySmallFilesBecomeFewAndReadersWithoutManifestsSeeTheSame() {
    OutputTables tables = tables(OutputFormat.PARQUET);
    TraceTable table = tables.writeTraces(JobRun.spark(), "a");
    table.snapshot();
    table.claim(TYPE);
    for (int i = 0; i < 5; i++) {
      table.write(
          rows("a", i + 1, 20 * i, 20 * i + 20, "a").repartition(8),
          wave(i + 1, 20, Wave.Content.NEW_ROWS));
    }
    List<String> before = read(tables);
    assertThat(plain(tables)).isEqualTo(before).hasSize(100);
    assertThat(tables.readTraces(JobRun.spark()).inputFiles()).hasSize(40);
    table.finish();
    assertThat(tables.readTraces(JobRun.spark()).inputFiles()).hasSize(1);
    assertThat(plain(tables)).isEqualTo(read(tables)).isEqualTo(before);
  }
}
