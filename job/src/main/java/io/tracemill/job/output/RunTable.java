package io.tracemill.job.output;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.udf.table.ParquetRuns;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/** The runs table: one row for each run, replaced whenever the run's state changes. */
public final class RunTable {
  private static final String IDENTITY = "identity";

  private final SparkSession spark;
  private final OutputTables tables;

  /** The table of an output, whether or not it is there yet. */
  public RunTable(SparkSession spark, OutputTables tables) {
    this.spark = spark;
    this.tables = tables;
  }

  /**
   * An earlier run.
   *
   * @param runId the run
   * @param fingerprint of what decides its rows
   * @param identity the settings behind the fingerprint, by name; empty where a version wrote the
   *     row that did not record them
   */
  public record Known(String runId, String fingerprint, Map<String, String> identity) {}

  /** All runs, the oldest first. */
  public List<Known> known() {
    List<Known> known = new ArrayList<>();
    if (exists()) {
      Dataset<Row> runs = tables.readRuns(spark);
      Column identity =
          List.of(runs.columns()).contains(IDENTITY)
              ? col(IDENTITY)
              : lit(null).cast("map<string,string>");
      for (Row row :
          runs.orderBy(col("started_at"))
              .select(col("run_id"), col("fingerprint"), identity)
              .collectAsList()) {
        known.add(
            new Known(
                row.getString(0),
                row.getString(1),
                row.isNullAt(2) ? Map.of() : Map.copyOf(row.getJavaMap(2))));
      }
    }
    return known;
  }

  /**
   * Whether a run is recorded as completed or failed. One that is recorded as interrupted need not
   * have ended: a run that had nothing to write may have taken it for dead.
   */
  public boolean hasEnded(String runId) {
    return exists()
        && !tables
            .readRuns(spark)
            .filter(
                col("run_id")
                    .equalTo(runId)
                    .and(col("outcome").isin(RunState.COMPLETED.label(), RunState.FAILED.label())))
            .isEmpty();
  }

  /** Removes what a killed driver left between the old state of a run and the new one. */
  public void clean() {
    try {
      if (tables.format() == OutputFormat.PARQUET) {
        new ParquetRuns(tables.runs(), spark.sparkContext().hadoopConfiguration()).clean();
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(tables.folder(), e);
    }
  }

  /** Writes the row of a run in the place of its earlier one. */
  public void put(RunRecord run) {
    put(run.runId(), spark.createDataFrame(List.of(RunSchema.row(run)), RunSchema.type()));
  }

  /**
   * Marks runs that are not known to have ended: their drivers have died, or can commit no more.
   *
   * @param except the run that asks
   * @param traces the committed rows, from which their totals are counted
   * @return the ids of these runs
   */
  public List<String> markInterrupted(String except, Dataset<Row> traces) {
    if (!exists()) {
      return List.of();
    }
    Dataset<Row> runs = tables.readRuns(spark);
    List<Row> lost =
        runs.filter(
                col("outcome")
                    .equalTo(RunState.RUNNING.label())
                    .and(col("run_id").notEqual(except)))
            .collectAsList();
    for (Row row : lost) {
      String runId = row.getString(row.fieldIndex("run_id"));
      Dataset<Row> own = traces.filter(col("run_id").equalTo(runId));
      Row last = own.agg(max(col("finished_at"))).head();
      RunTotals totals = RunTotals.of(own);
      put(
          runId,
          RunSchema.ended(
              spark.createDataFrame(List.of(row), runs.schema()),
              RunState.INTERRUPTED,
              "The driver ended without a word; a later run went on.",
              Optional.ofNullable((Instant) last.get(0)),
              totals));
    }
    return lost.stream().map(row -> row.getString(row.fieldIndex("run_id"))).toList();
  }

  private boolean exists() {
    try {
      Path runs = new Path(tables.runs());
      FileSystem files = runs.getFileSystem(spark.sparkContext().hadoopConfiguration());
      return tables.format() == OutputFormat.DELTA
          ? new DeltaLogFiles(tables.runs(), spark.sparkContext().hadoopConfiguration())
              .newestVersion()
              .isPresent()
          : ParquetRuns.isAt(files, runs);
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(tables.folder(), e);
    }
  }

  private void put(String runId, Dataset<Row> row) {
    try {
      if (tables.format() == OutputFormat.PARQUET) {
        new ParquetRuns(tables.runs(), spark.sparkContext().hadoopConfiguration()).put(runId, row);
      } else if (exists()) {
        // One commit that removes the old row and adds the new one.
        row.coalesce(1)
            .write()
            .format("delta")
            .mode(SaveMode.Overwrite)
            .option("replaceWhere", "run_id = '" + runId + "'")
            .option("mergeSchema", "true")
            .option("compression", "zstd")
            .save(tables.runs());
      } else {
        Tables.append(row.coalesce(1), tables.runs()).save(tables.runs());
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(tables.folder(), e);
    }
  }
}
