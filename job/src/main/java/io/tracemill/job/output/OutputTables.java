package io.tracemill.job.output;

import io.tracemill.job.error.JobErrors;
import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;

/**
 * The folder of a run with its two tables.
 *
 * @param folder the user's {@code --output}, on any file system that Spark knows
 * @param format what the tables are written as
 */
public record OutputTables(String folder, OutputFormat format) implements Serializable {
  private static final Pattern NEEDS_COLUMN_MAPPING = Pattern.compile("[ ,;{}()\\n\\t=]");

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

  /**
   * Refuses a folder that holds a run. What a failed run left behind (files that no commit names, a
   * row in {@code runs}) is no obstacle, so that the same command can be given again.
   *
   * @throws io.tracemill.job.error.JobException where it does, or cannot be looked into
   */
  public void requireFree(Configuration hadoop) {
    try {
      Path path = new Path(folder);
      FileSystem files = path.getFileSystem(hadoop);
      if (files.exists(path) && !files.getFileStatus(path).isDirectory()) {
        throw new IOException("it is a file, not a folder.");
      }
      Path taken = new Path(traces());
      if (isDelta(files, taken) || isParquet(files, taken)) {
        throw JobErrors.outputTaken(folder, traces());
      }
      Path runs = new Path(runs());
      boolean otherFormat =
          format == OutputFormat.DELTA ? isParquet(files, runs) : isDelta(files, runs);
      if (otherFormat) {
        throw JobErrors.outputTaken(folder, runs());
      }
    } catch (IOException | IllegalArgumentException e) {
      throw JobErrors.unwritableOutput(folder, e);
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

  private static boolean isParquet(FileSystem files, Path table) throws IOException {
    return files.exists(new Path(table, "_SUCCESS"));
  }

  /** Writes rows as they come: no shuffle between generation and files. */
  public void writeTraces(Dataset<Row> rows) {
    write(rows, traces());
  }

  /** Writes the row of a run. */
  public void writeRuns(Dataset<Row> rows) {
    write(rows, runs());
  }

  private void write(Dataset<Row> rows, String path) {
    var writer = rows.write().format(format.label()).mode(SaveMode.Append);
    if (format == OutputFormat.DELTA) {
      // An optimised write would put a shuffle behind the generator: lost shuffle files are
      // generated again.
      writer = writer.option("optimizeWrite", "false");
      if (needsColumnMapping(rows.schema())) {
        writer = writer.option("delta.columnMapping.mode", "name");
      }
    }
    writer.option("compression", "zstd").save(path);
  }

  /** Opens the traces for reading. */
  public Dataset<Row> readTraces(SparkSession spark) {
    return spark.read().format(format.label()).load(traces());
  }

  /** Opens the runs for reading. */
  public Dataset<Row> readRuns(SparkSession spark) {
    return spark.read().format(format.label()).load(runs());
  }

  /** Whether a name of an input column holds what Delta's plain naming refuses. */
  private static boolean needsColumnMapping(DataType type) {
    if (type instanceof StructType struct) {
      return Arrays.stream(struct.fields())
          .anyMatch(
              field ->
                  NEEDS_COLUMN_MAPPING.matcher(field.name()).find()
                      || needsColumnMapping(field.dataType()));
    }
    if (type instanceof ArrayType array) {
      return needsColumnMapping(array.elementType());
    }
    return type instanceof MapType map
        && (needsColumnMapping(map.keyType()) || needsColumnMapping(map.valueType()));
  }
}
