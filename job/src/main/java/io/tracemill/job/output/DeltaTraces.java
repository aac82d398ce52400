package io.tracemill.job.output;

import static org.apache.spark.sql.functions.col;

import io.delta.exceptions.DeltaConcurrentModificationException;
import io.delta.tables.DeltaTable;
import io.tracemill.job.error.OutputErrors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Traces as a Delta table. Every wave is one commit with a transaction id of Delta's, so that it
 * cannot go in twice, and a note that names it, so that one can tell whether it went in: Delta
 * skips a transaction whose number is not above the last one without a word.
 *
 * <p>The number is the run's token times a million plus the wave's number. A run claims the table
 * by an empty commit under its token, the time at which it began: from then on the waves of every
 * earlier run are skipped. Two waves may be written at once and end in any order, so there are two
 * series of numbers, one for waves with even and one for those with odd numbers.
 */
final class DeltaTraces implements TraceTable {
  private static final String NOTE = "tracemill ";
  private static final int SERIES = 2;
  private static final long WAVES_OF_TOKEN = 1_000_000;

  /** Long text in few rows: a file of this size is read in one go without filling a heap. */
  private static final String COMPACT_BYTES = Long.toString(128L << 20);

  /** Fewer new files are not worth a rewriting. */
  private static final long FILES_TO_COMPACT = 32;

  private static final int MERGE_ATTEMPTS = 5;
  private static final Logger LOG = LoggerFactory.getLogger(DeltaTraces.class);

  private final SparkSession spark;
  private final String path;
  private final String runId;
  private final String staging;
  private final DeltaLogFiles log;
  private long token;

  // Under this object's lock, as are merges and compactions, which would get in each other's way.
  private final List<DeltaLogFiles.Commit> seen = new ArrayList<>();
  private long plannedVersion = -1;
  private long filesSinceCompaction;

  /**
   * @param path the table
   * @param runId the run that writes
   * @param staging a folder of this run for rows on their way
   */
  DeltaTraces(SparkSession spark, String path, String runId, String staging) throws IOException {
    this.spark = spark;
    this.path = path;
    this.runId = runId;
    this.staging = staging;
    this.log = new DeltaLogFiles(path, spark.sparkContext().hadoopConfiguration());
  }

  @Override
  public Optional<Dataset<Row>> snapshot() {
    OptionalLong version = reading(log::newestVersion);
    synchronized (this) {
      plannedVersion = version.orElse(-1);
    }
    return version.isEmpty()
        ? Optional.empty()
        : Optional.of(
            spark.read().format("delta").option("versionAsOf", version.getAsLong()).load(path));
  }

  @Override
  public Claim claim(StructType type) {
    if (token == 0) {
      long newest =
          reading(() -> log.newest(NOTE)).map(commit -> tokenOf(commit.note())).orElse(0L);
      token = Math.max(System.currentTimeMillis(), newest + 1);
      for (int series = 0; series < SERIES; series++) {
        String note = NOTE + token + " claim " + series;
        // Further columns of the input are new columns of the table.
        Tables.append(spark.createDataFrame(List.of(), type), path)
            .option("mergeSchema", "true")
            .option("txnAppId", series(series))
            .option("txnVersion", token * WAVES_OF_TOKEN)
            .option("userMetadata", note)
            .save(path);
        if (find(note).isEmpty()) {
          throw OutputErrors.shutOut(path);
        }
      }
    }
    boolean unchanged =
        commitsSincePlan().stream()
            .allMatch(commit -> commit.note().startsWith(NOTE + token + " claim"));
    return unchanged ? Claim.UNCHANGED : Claim.CHANGED;
  }

  @Override
  public void write(Dataset<Row> rows, Wave wave) {
    if (wave.content() == Wave.Content.NEW_ROWS) {
      Tables.append(rows, path)
          .option("txnAppId", series(wave.number() % SERIES))
          .option("txnVersion", token * WAVES_OF_TOKEN + wave.number())
          .option("userMetadata", note(wave))
          .save(path);
    } else {
      String staged = staging + "/replacements-" + wave.number();
      rows.write().mode(SaveMode.Overwrite).option("compression", "zstd").parquet(staged);
      mergeBesideOthers(staged, rows.schema(), wave);
    }
    verify(wave);
  }

  /** Somebody else's OPTIMIZE may take away files that a merge reads; what is staged stays. */
  private void mergeBesideOthers(String staged, StructType type, Wave wave) {
    for (int attempt = 1; ; attempt++) {
      try {
        merge(staged, type, wave);
        return;
      } catch (DeltaConcurrentModificationException e) {
        if (attempt == MERGE_ATTEMPTS) {
          throw e;
        }
        LOG.info("Wave {} is merged again: {} changed meanwhile", wave.number(), path);
      }
    }
  }

  /** One commit that removes the old rows and adds the new ones. */
  private synchronized void merge(String staged, StructType type, Wave wave) {
    // A merge takes its transaction from the session, where it would stay: hence one of its own.
    SparkSession session = spark.newSession();
    CollectionConverters.asJava(spark.conf().getAll())
        .forEach(
            (key, value) -> {
              if (session.conf().isModifiable(key)) {
                session.conf().set(key, value);
              }
            });
    session.conf().set("spark.databricks.delta.write.txnAppId", series(wave.number() % SERIES));
    session
        .conf()
        .set(
            "spark.databricks.delta.write.txnVersion",
            Long.toString(token * WAVES_OF_TOKEN + wave.number()));
    session.conf().set("spark.databricks.delta.commitInfo.userMetadata", note(wave));
    SparkSession.setActiveSession(session);
    try {
      DeltaTable.forPath(session, path)
          .as("old")
          .merge(
              session.read().schema(type).parquet(staged).as("new"),
              col("old.row_key")
                  .equalTo(col("new.row_key"))
                  .and(col("old.sample_index").equalTo(col("new.sample_index"))))
          .whenMatched()
          .updateAll()
          .whenNotMatched()
          .insertAll()
          .execute();
    } finally {
      SparkSession.setActiveSession(spark);
    }
  }

  private void verify(Wave wave) {
    Optional<DeltaLogFiles.Commit> commit = find(note(wave));
    if (commit.isEmpty()) {
      // Skipped by Delta, or the same wave twice: is it in the table?
      long found =
          spark
              .read()
              .format("delta")
              .load(path)
              .filter(col("run_id").equalTo(runId).and(col("wave").equalTo(wave.number())))
              .count();
      if (found != wave.rows()) {
        throw OutputErrors.waveLost(wave.number(), path);
      }
      return;
    }
    long found = commit.get().rows().orElse(wave.rows());
    if (found != wave.rows()) {
      throw OutputErrors.wrongCount(path, wave.rows(), found);
    }
    synchronized (this) {
      filesSinceCompaction += commit.get().files();
    }
  }

  @Override
  public synchronized void compact() {
    if (filesSinceCompaction < FILES_TO_COMPACT) {
      return;
    }
    spark.conf().set("spark.databricks.delta.optimize.maxFileSize", COMPACT_BYTES);
    spark.conf().set("spark.databricks.delta.optimize.minFileSize", COMPACT_BYTES);
    try {
      DeltaTable.forPath(spark, path).optimize().executeCompaction();
      filesSinceCompaction = 0;
    } catch (DeltaConcurrentModificationException e) {
      LOG.info("{} is being compacted by somebody else; it is left as it is", path);
    }
  }

  @Override
  public void finish() {
    compact();
  }

  @Override
  public void clean() {
    // What a killed writer left lies outside of the log; VACUUM removes it when it is old enough.
  }

  @Override
  public Leftovers removeLeftovers(Predicate<String> ended) {
    return Leftovers.GONE; // Every reader of Delta goes by the log.
  }

  private Optional<DeltaLogFiles.Commit> find(String note) {
    return commitsSincePlan().stream().filter(commit -> commit.note().equals(note)).findFirst();
  }

  /** Every commit is read once. */
  private synchronized List<DeltaLogFiles.Commit> commitsSincePlan() {
    long newest = seen.isEmpty() ? plannedVersion : seen.get(seen.size() - 1).version();
    seen.addAll(reading(() -> log.after(newest)));
    return seen.stream().filter(commit -> commit.version() > plannedVersion).toList();
  }

  private String note(Wave wave) {
    return NOTE + token + " wave " + wave.number();
  }

  private static String series(int number) {
    return "tracemill-traces-" + number;
  }

  private static long tokenOf(String note) {
    return Long.parseLong(note.split(" ")[1]);
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private <T> T reading(Reading<T> reading) {
    try {
      return reading.read();
    } catch (IOException e) {
      throw new UncheckedIOException(
          "the log of " + path + " cannot be read: " + e.getMessage(), e);
    }
  }
}
