package io.tracemill.job.output;

import static org.apache.spark.sql.types.DataTypes.DateType;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import io.tracemill.udf.trace.ResultColumn;
import io.tracemill.udf.trace.ResultColumns;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;

/**
 * The columns of the traces table: name, type, meaning and value side by side, so that schema and
 * rows cannot drift apart. What every result has is described by {@link ResultColumns}; here is
 * what a run adds, and the order. Keys, outcomes and numbers come first, because Delta keeps
 * statistics of the first 32 columns; long text comes last.
 */
public final class TraceSchema {
  private static final Map<String, ResultColumn> OF_RESULT =
      ResultColumns.all().stream()
          .collect(Collectors.toMap(ResultColumn::name, Function.identity()));

  private static final List<TraceColumn> COLUMNS =
      List.of(
          column("run_id", StringType, "the run that made the row", r -> r.run().runId()),
          result("row_key"),
          result("sample_index"),
          column(
              "prompt_hash",
              StringType,
              "SHA-256 of the prompt in UTF-8",
              r -> r.prompt().map(TraceSchema::sha256).orElse(null)),
          column(
              "request_hash",
              StringType,
              "of the prompt and of all settings that decide its tokens",
              TraceRecord::requestHash),
          column("wave", IntegerType, "of the run, committed together", TraceRecord::wave),
          column("model_id", StringType, "name and hash of the model", r -> r.run().modelId()),
          column("engine_version", StringType, "of Tracemill", r -> r.run().engineVersion()),
          column("backend", StringType, "what computed it", r -> r.place().backend()),
          column(
              "seed", LongType, "of the run, or the row's own", r -> r.request().settings().seed()),
          result("status"),
          result("finish_reason"),
          result("error_class"),
          result("error_message"),
          column(
              "attempts",
              IntegerType,
              "how often it was begun, earlier runs that ended in an error included",
              TraceRecord::attempts),
          column(
              "copied_from",
              StringType,
              "key of the row whose output this is; null where it was generated for this row",
              r -> r.result().copiedFrom().orElse(null)),
          result("prompt_tokens"),
          result("thinking_tokens"),
          result("answer_tokens"),
          result("generated_tokens"),
          result("kv_policy"),
          result("compressions"),
          result("kv_full_rows"),
          result("kv_final_rows"),
          result("kv_peak_rows"),
          result("kv_mean_rows"),
          result("kv_peak_bytes"),
          result("kv_saved_ratio"),
          result("compress_ms"),
          result("compression_events"),
          result("queue_ms"),
          result("prefill_ms"),
          result("decode_ms"),
          result("tokens_per_second"),
          column(
              "predicted_tokens",
              DoubleType,
              "median of generated_tokens by the run's length model; null without one",
              r -> r.predictedTokens().orElse(null)),
          column("executor_id", StringType, "Spark's executor", r -> r.place().executorId()),
          column("gpu_uuid", StringType, "null on a CPU", r -> r.place().deviceUuid().orElse(null)),
          column("finished_at", TimestampType, "when it ended", TraceRecord::finishedAt),
          column(
              "day",
              DateType,
              "of finished_at, in UTC",
              r -> r.finishedAt().atZone(ZoneOffset.UTC).toLocalDate()),
          result("extracted_answer"),
          column("prompt", StringType, "text, or turns as JSON", r -> r.prompt().orElse(null)),
          result("answer"),
          result("trace"),
          column(
              "request",
              RequestColumn.TYPE,
              "what the row was asked for, beside seed and kv_policy",
              r -> RequestColumn.value(r.request().kind(), r.request().settings())),
          column(
              "token_ids",
              new ArrayType(IntegerType, false),
              "the generated tokens, the one that ended the output included",
              r -> RequestColumn.tokenIds(r.result().tokenIds())));

  private static final String INPUT = "input";

  private final Optional<StructType> carried;

  /** The table for an input whose further columns are of the type {@code carried}. */
  public TraceSchema(Optional<StructType> carried) {
    this.carried = carried;
  }

  /** The table's type; {@code input} comes last where the source has further columns. */
  public StructType type() {
    StructType type = new StructType();
    for (TraceColumn column : COLUMNS) {
      type = type.add(column.name(), column.type(), true, column.meaning());
    }
    return carried.isPresent()
        ? type.add(INPUT, carried.get(), true, "the other columns of the input")
        : type;
  }

  /** A row of the table. */
  public Row row(TraceRecord result) {
    Object[] values = new Object[COLUMNS.size() + (carried.isPresent() ? 1 : 0)];
    for (int i = 0; i < COLUMNS.size(); i++) {
      values[i] = COLUMNS.get(i).value().apply(result);
    }
    if (carried.isPresent()) {
      values[COLUMNS.size()] = result.input().orElse(null);
    }
    return RowFactory.create(values);
  }

  private record TraceColumn(
      String name, DataType type, String meaning, Function<TraceRecord, Object> value) {}

  private static TraceColumn column(
      String name, DataType type, String meaning, Function<TraceRecord, Object> value) {
    return new TraceColumn(name, type, meaning, value);
  }

  private static TraceColumn result(String name) {
    ResultColumn column = OF_RESULT.get(name);
    return new TraceColumn(
        name, column.type(), column.meaning(), r -> column.value().apply(r.result()));
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
