package io.tracemill.job.output;

import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.udf.table.ParquetRuns;
import io.tracemill.udf.table.ParquetWaves;
import io.tracemill.udf.table.TableFiles;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * The folder of a run with its two tables.
 *
 * @param folder the user's {@code --output}, on any file system that Spark knows
 * @param format what the tables are written as
 */
public record OutputTables(String folder, OutputFormat format) implements Serializable {
  /** Where traces lie. */
  public String traces() {
    return table("traces");
  }

  /** Where runs lie. */
  public String runs() {
    return table("runs");
  }

  private String table(String name) {
    return folder.endsWith("/") ? folder + name : folder + "/" + name;
  }

  /** The work folder of a run, which is of no use when the run has ended. */
  public String work(String runId) {
    return table("_work/" + runId);
  }

  /** Where work folders lie. */
  public String work() {
    return table("_work");
  }

  /** Where the manifest of a run lies. */
  public String manifest(String runId) {
    return table("manifests/" + runId + ".json");
  }

  /**
   * Refuses a folder that cannot take these tables: a file, or tables of the other format.
   *
   * @throws io.tracemill.job.error.JobException where it cannot, or cannot be looked into
   */
  public void requireUsable(Configuration hadoop) {
    try {
      Path path = new Path(folder);
      FileSystem files = path.getFileSystem(hadoop);
      if (files.exists(path) && !files.getFileStatus(path).isDirectory()) {
        throw new IOException("it is a file, not a folder.");
      }
      boolean delta = isDelta(files, new Path(traces())) || isDelta(files, new Path(runs()));
      boolean parquet =
          ParquetWaves.isAt(files, new Path(traces())) || ParquetRuns.isAt(files, new Path(runs()));
      if (format == OutputFormat.DELTA ? parquet : delta) {
        throw OutputErrors.otherFormat(
            folder, (delta ? OutputFormat.DELTA : OutputFormat.PARQUET).label());
      }
    } catch (IOException | IllegalArgumentException e) {
      throw OutputErrors.unwritableOutput(folder, e);
    }
  }

  /**
   * Refuses a folder that holds rows of a run, too.
   *
   * @throws io.tracemill.job.error.JobException as {@link #requireUsable}
   */
  public void requireFree(Configuration hadoop) {
    requireUsable(hadoop);
    try {
      Path traces = new Path(traces());
      FileSystem files = traces.getFileSystem(hadoop);
      boolean taken =
          format == OutputFormat.DELTA
              ? isDelta(files, traces)
              : !new ParquetWaves(traces(), hadoop).waves().isEmpty();
      if (taken) {
        throw OutputErrors.outputTaken(folder, traces());
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(folder, e);
    }
  }

  private static boolean isDelta(FileSystem files, Path table) throws IOException {
    Path log = new Path(table, "_delta_log");
    if (!files.exists(log)) {
      return false;
    }
    // A write that failed leaves a log without a commit.
    return Arrays.stream(files.listStatus(log))
        .anyMatch(file -> file.getPath().getName().matches("\\d{20}\\.json"));
  }

  /** The traces, for the run that will write them. */
  public TraceTable writeTraces(SparkSession spark, String runId) {
    try {
      return format == OutputFormat.DELTA
          ? new DeltaTraces(spark, traces(), runId, work(runId))
          : new ParquetTraces(spark, traces(), runId);
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(folder, e);
    }
  }

  /** Opens the committed traces for reading. */
  public Dataset<Row> readTraces(SparkSession spark) {
    return read(spark, traces());
  }

  /** Opens the runs for reading. */
  public Dataset<Row> readRuns(SparkSession spark) {
    return read(spark, runs());
  }

  private Dataset<Row> read(SparkSession spark, String table) {
    try {
      return TableFiles.read(spark, table);
    } catch (IOException e) {
      throw TableErrors.noTables(folder);
    }
  }
}
