package io.tracemill.job.output;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.struct;

import io.tracemill.job.error.OutputErrors;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import scala.Tuple2;

/**
 * Writes the traces of a run once more, as the two files that OpenAI's Batch interface gives back:
 * {@code openai-batch/output.jsonl} with a line for each answered request and {@code
 * openai-batch/errors.jsonl} with one for each failed request. Lines pass through the driver one
 * partition at a time; a file appears under its name when it is whole.
 */
public final class OpenAiExport {
  private static final String FOLDER = "openai-batch";

  private OpenAiExport() {}

  /**
   * Writes both files.
   *
   * @param traces rows of all runs of the output
   * @param fingerprint of these runs; ids of lines are made of it
   * @return their folder
   * @throws io.tracemill.job.error.JobException where they cannot be written
   */
  public static String write(
      Dataset<Row> traces, String fingerprint, OutputTables tables, Configuration hadoop) {
    Dataset<Row> requests =
        traces
            .groupBy(col("row_key"))
            .agg(
                collect_list(
                        struct(
                            OpenAiLine.COLUMNS.stream()
                                .map(name -> col(name))
                                .toArray(org.apache.spark.sql.Column[]::new)))
                    .as("samples"));
    // True for an answer; the pair keeps both files to one pass over the table.
    Dataset<Tuple2<Boolean, String>> lines =
        requests.map(
            (MapFunction<Row, Tuple2<Boolean, String>>) row -> OpenAiLine.of(fingerprint, row),
            Encoders.tuple(Encoders.BOOLEAN(), Encoders.STRING()));
    String folder =
        tables.folder().endsWith("/") ? tables.folder() + FOLDER : tables.folder() + "/" + FOLDER;
    try {
      FileSystem files = new Path(folder).getFileSystem(hadoop);
      write(lines.toLocalIterator(), files, new Path(folder));
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(folder, e);
    }
    return folder;
  }

  private static void write(Iterator<Tuple2<Boolean, String>> lines, FileSystem files, Path folder)
      throws IOException {
    files.mkdirs(folder);
    Path output = new Path(folder, "_output.jsonl.part");
    Path errors = new Path(folder, "_errors.jsonl.part");
    try (BufferedWriter answered = writer(files, output);
        BufferedWriter failed = writer(files, errors)) {
      while (lines.hasNext()) {
        Tuple2<Boolean, String> line = lines.next();
        BufferedWriter writer = line._1() ? answered : failed;
        writer.write(line._2());
        writer.write('\n');
      }
    }
    replace(files, output, new Path(folder, "output.jsonl"));
    replace(files, errors, new Path(folder, "errors.jsonl"));
  }

  private static BufferedWriter writer(FileSystem files, Path path) throws IOException {
    return new BufferedWriter(
        new OutputStreamWriter(files.create(path, true), StandardCharsets.UTF_8));
  }

  private static void replace(FileSystem files, Path part, Path whole) throws IOException {
    files.delete(whole, false);
    if (!files.rename(part, whole)) {
      throw new IOException(part + " cannot be renamed to " + whole.getName());
    }
  }
}
