package io.tracemill.udf.sql;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.table.TableFiles;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Temporary views over the tables of one or more runs: {@code tm_traces}, {@code tm_runs} and the
 * views of {@link ViewDefinition}. They read the tables anew at each query.
 */
public final class TracemillViews {
  /** The columns that views read; a table of an older run may have more or fewer others. */
  private static final List<String> TRACE_COLUMNS =
      List.of(
          "run_id",
          "row_key",
          "sample_index",
          "model_id",
          "status",
          "finish_reason",
          "error_class",
          "error_message",
          "prompt_tokens",
          "thinking_tokens",
          "answer_tokens",
          "generated_tokens",
          "kv_policy",
          "compressions",
          "kv_full_rows",
          "kv_final_rows",
          "kv_peak_rows",
          "kv_mean_rows",
          "kv_saved_ratio",
          "compress_ms",
          "queue_ms",
          "prefill_ms",
          "decode_ms",
          "tokens_per_second",
          "finished_at",
          "extracted_answer");

  private TracemillViews() {}

  /**
   * Makes the views over a run's output folder, Delta or Parquet. Answers are graded against the
   * carried input column {@code input.answer} where there is one.
   *
   * @param outputFolder what the run was given as {@code --output}
   */
  public static void create(SparkSession spark, String outputFolder) {
    create(spark, ViewSources.ofFolder(outputFolder));
  }

  /** Makes the views over tables that {@code sources} names. */
  public static void create(SparkSession spark, ViewSources sources) {
    Dataset<Row> traces = read(spark, sources.traces());
    Dataset<Row> runs = read(spark, sources.runs());
    requireColumns(traces, sources.traces());
    TracemillFunctions.register(spark);
    String gold = sources.gold().orElseGet(() -> hasInputAnswer(traces) ? "input.answer" : "NULL");
    traces.createOrReplaceTempView("tm_traces");
    runs.createOrReplaceTempView("tm_runs");
    for (ViewDefinition view : ViewDefinition.values()) {
      Dataset<Row> rows = spark.sql(view.query(gold));
      rows.createOrReplaceTempView(view.viewName());
    }
  }

  private static boolean hasInputAnswer(Dataset<Row> traces) {
    return Arrays.stream(traces.schema().fields())
        .filter(field -> field.name().equals("input"))
        .anyMatch(
            field ->
                field.dataType() instanceof org.apache.spark.sql.types.StructType input
                    && Arrays.asList(input.fieldNames()).contains("answer"));
  }

  private static Dataset<Row> read(SparkSession spark, String table) {
    if (!table.contains("/") && !table.contains("\\")) {
      return spark.table(table);
    }
    Path path = new Path(table);
    try {
      FileSystem files = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
      if (!files.exists(path)) {
        throw new ReasoningException(
            ErrorCode.INVALID_ARGUMENT,
            "There is no table at "
                + table
                + "; give the folder that the run was given as --output.");
      }
      return TableFiles.read(spark, table);
    } catch (IOException e) {
      throw new ReasoningException(
          ErrorCode.INVALID_ARGUMENT, "The table at " + table + " cannot be read: " + e, e);
    }
  }

  private static void requireColumns(Dataset<Row> traces, String table) {
    List<String> present = Arrays.asList(traces.columns());
    List<String> missing =
        TRACE_COLUMNS.stream().filter(column -> !present.contains(column)).toList();
    if (!missing.isEmpty()) {
      throw new ReasoningException(
          ErrorCode.INVALID_ARGUMENT,
          "The table "
              + table
              + " is no traces table: it lacks "
              + String.join(", ", missing)
              + "; give the tables that a run wrote.");
    }
  }
}
