package io.tracemill.udf.table;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * A table of one file a row: {@code run-ID.N.parquet} is the N-th state of a run, and the largest N
 * counts. A state is moved into place whole before the one before it is deleted.
 */
public final class ParquetRuns {
  private static final Pattern NAME = Pattern.compile("run-(.+)\\.(\\d+)\\.parquet");

  private final Path table;
  private final FileSystem files;

  /** The table in a folder, whether or not it is there yet. */
  public ParquetRuns(String table, Configuration hadoop) throws IOException {
    this.table = new Path(table);
    this.files = this.table.getFileSystem(hadoop);
  }

  /** Whether a folder holds such a table. */
  public static boolean isAt(FileSystem files, Path table) throws IOException {
    if (!files.exists(table)) {
      return false;
    }
    for (FileStatus file : files.listStatus(table)) {
      if (NAME.matcher(file.getPath().getName()).matches()) {
        return true;
      }
    }
    return false;
  }

  /** The newest state of every run. */
  public Dataset<Row> read(SparkSession spark) throws IOException {
    return spark
        .read()
        .option("mergeSchema", true)
        .parquet(
            states().values().stream()
                .map(states -> states.get(states.size() - 1).toString())
                .toArray(String[]::new));
  }

  /** Writes the state of a run in the place of its earlier ones. */
  public void put(String runId, Dataset<Row> row) throws IOException {
    List<Path> earlier = states().getOrDefault(runId, List.of());
    int number = earlier.isEmpty() ? 1 : number(earlier.get(earlier.size() - 1)) + 1;
    Path part = new Path(table, "_part-" + runId);
    row.coalesce(1).write().mode("overwrite").parquet(part.toString());
    Path written = null;
    for (FileStatus file : files.listStatus(part)) {
      if (file.getPath().getName().endsWith(".parquet")) {
        written = file.getPath();
      }
    }
    Path whole = new Path(table, "run-%s.%d.parquet".formatted(runId, number));
    if (written == null || !files.rename(written, whole)) {
      throw new IOException(whole + " cannot be written.");
    }
    files.delete(part, true);
    clean();
  }

  /**
   * Deletes states that are not the newest of their runs, so that readers that know nothing of
   * states find one row a run. They are there only where a writer died between two files.
   */
  public void clean() throws IOException {
    for (List<Path> run : states().values()) {
      for (Path state : run.subList(0, run.size() - 1)) {
        files.delete(state, false);
      }
    }
  }

  /** Files by run, the newest state last. */
  private Map<String, List<Path>> states() throws IOException {
    Map<String, List<Path>> states = new TreeMap<>();
    if (files.exists(table)) {
      for (FileStatus file : files.listStatus(table)) {
        Matcher name = NAME.matcher(file.getPath().getName());
        if (name.matches()) {
          states.computeIfAbsent(name.group(1), id -> new ArrayList<>()).add(file.getPath());
        }
      }
    }
    states.values().forEach(of -> of.sort(Comparator.comparingInt(ParquetRuns::number)));
    return states;
  }

  private static int number(Path state) {
    Matcher name = NAME.matcher(state.getName());
    if (!name.matches()) {
      throw new IllegalArgumentException(state + " is no state of a run");
    }
    return Integer.parseInt(name.group(2));
  }
}
