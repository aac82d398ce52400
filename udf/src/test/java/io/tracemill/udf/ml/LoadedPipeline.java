package io.tracemill.udf.ml;

import io.tracemill.udf.trace.ResultColumn;
import io.tracemill.udf.trace.ResultColumns;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** A program that loads a saved pipeline, generates with it, and writes the rows to a file. */
public final class LoadedPipeline {
  private LoadedPipeline() {}

  /** Arguments: the pipeline, the prompts as JSON lines, the file to write. */
  public static void main(String[] args) throws Exception {
    SparkSession spark = MlSession.get();
    try {
      Files.write(Path.of(args[2]), rows(PipelineModel.load(args[0]), spark.read().json(args[1])));
    } finally {
      spark.stop();
    }
  }

  /** All that a row has but where its time went, as one line of JSON each. */
  static List<String> rows(PipelineModel pipeline, Dataset<Row> prompts) {
    Set<String> times =
        Set.of("queue_ms", "prefill_ms", "decode_ms", "tokens_per_second", "compress_ms");
    List<String> columns = new ArrayList<>(List.of("id", "prompt"));
    for (ResultColumn column : ResultColumns.all()) {
      String field = "generation." + column.name();
      if (column.name().equals("compression_events")) {
        columns.add(
            "transform("
                + field
                + ", e -> struct(e.step, e.rows_after, e.retained, e.score_cut)) AS events");
      } else if (!times.contains(column.name())) {
        columns.add(field);
      }
    }
    return pipeline
        .transform(prompts)
        .selectExpr("to_json(struct(" + String.join(", ", columns) + "))")
        .as(Encoders.STRING())
        .collectAsList();
  }
}
