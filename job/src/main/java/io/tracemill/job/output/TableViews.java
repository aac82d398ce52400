package io.tracemill.job.output;

import io.tracemill.job.error.TableErrors;
import io.tracemill.udf.sql.TracemillViews;
import io.tracemill.udf.sql.ViewSources;
import io.tracemill.udf.table.ParquetRuns;
import io.tracemill.udf.table.ParquetWaves;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Makes the tables of finished runs known to SQL as the views {@code traces} and {@code runs}, with
 * the functions and the further views of {@link TracemillViews}.
 */
public final class TableViews {
  private static final String DELTA_LOG = "_delta_log";

  private TableViews() {}

  /**
   * Registers the views; several runs below one folder are taken together.
   *
   * @param folder the output of a run, or a folder that holds outputs
   * @throws io.tracemill.job.error.JobException where no tables are found
   */
  public static void register(SparkSession spark, String folder) {
    List<OutputTables> found = find(spark, folder);
    union(found.stream().map(tables -> tables.readTraces(spark)).toList())
        .createOrReplaceTempView("traces");
    union(found.stream().map(tables -> tables.readRuns(spark)).toList())
        .createOrReplaceTempView("runs");
    TracemillViews.create(spark, new ViewSources("traces", "runs", Optional.empty()));
  }

  /** The rows of all tables; a column that a table lacks is null there. */
  public static Dataset<Row> union(List<Dataset<Row>> tables) {
    return tables.stream().reduce((one, other) -> one.unionByName(other, true)).orElseThrow();
  }

  /**
   * The outputs at a folder: its own tables, else those of the folders right below it, by name.
   *
   * @return one at least
   * @throws io.tracemill.job.error.JobException where no tables are found
   */
  public static List<OutputTables> find(SparkSession spark, String folder) {
    List<OutputTables> found = new ArrayList<>();
    try {
      Path path = new Path(folder);
      FileSystem files = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
      at(files, path).ifPresent(found::add);
      if (found.isEmpty() && files.exists(path)) {
        for (FileStatus child : files.listStatus(path)) {
          if (child.isDirectory()) {
            at(files, child.getPath()).ifPresent(found::add);
          }
        }
      }
    } catch (IOException | IllegalArgumentException e) {
      throw TableErrors.noTables(folder);
    }
    if (found.isEmpty()) {
      throw TableErrors.noTables(folder);
    }
    found.sort(Comparator.comparing(OutputTables::folder));
    return found;
  }

  private static Optional<OutputTables> at(FileSystem files, Path folder) throws IOException {
    Path traces = new Path(folder, "traces");
    Path runs = new Path(folder, "runs");
    if (files.exists(new Path(traces, DELTA_LOG)) && files.exists(new Path(runs, DELTA_LOG))) {
      return Optional.of(new OutputTables(folder.toString(), OutputFormat.DELTA));
    }
    if (ParquetWaves.isAt(files, traces) && ParquetRuns.isAt(files, runs)) {
      return Optional.of(new OutputTables(folder.toString(), OutputFormat.PARQUET));
    }
    return Optional.empty();
  }
}
