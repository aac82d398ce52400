package io.tracemill.job.output;

import static org.apache.spark.sql.types.DataTypes.DateType;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.FloatType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.TraceText;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.ZoneOffset;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The columns of the traces table: name, type, meaning and value side by side, so that schema and
 * rows cannot drift apart. Keys, outcomes and numbers come first, because Delta keeps statistics of
 * the first 32 columns; long text comes last.
 */
public final class TraceSchema {
  /** Type of {@code kv_policy}. */
  public static final StructType KV_POLICY =
      new StructType()
          .add("name", StringType)
          .add("interval", IntegerType)
          .add("window", IntegerType)
          .add("ratio", IntegerType)
          .add("mode", StringType);

  private static final StructType COMPRESSION_EVENT =
      new StructType()
          .add("step", IntegerType)
          .add("rows_before", IntegerType)
          .add("rows_after", IntegerType)
          .add("candidates", IntegerType)
          .add("retained", IntegerType)
          .add("score_cut", FloatType)
          .add("millis", FloatType);

  private static final List<TraceColumn> COLUMNS =
      List.of(
          column("run_id", StringType, "the run that made the row", r -> r.run().runId()),
          column("row_key", StringType, "the row's id, or a hash of it", r -> r.result().rowKey()),
          column("sample_index", IntegerType, "from 0", r -> r.result().sampleIndex()),
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
          column(
              "status",
              StringType,
              "ok or error",
              r -> r.result().error().isPresent() ? "error" : "ok"),
          column(
              "finish_reason",
              StringType,
              "why the output ended; stop and stop_string alone are complete",
              r -> r.result().finishReason().label()),
          column(
              "error_class",
              StringType,
              "what went wrong, as a code",
              r -> r.result().error().map(error -> error.code().name()).orElse(null)),
          column(
              "error_message",
              StringType,
              "what went wrong, as a sentence",
              r -> r.result().error().map(RowError::message).orElse(null)),
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
          column("prompt_tokens", IntegerType, "tokens", r -> r.result().tokens().prompt()),
          column("thinking_tokens", IntegerType, "tokens", r -> r.result().tokens().thinking()),
          column("answer_tokens", IntegerType, "tokens", r -> r.result().tokens().answer()),
          column("generated_tokens", IntegerType, "tokens", r -> r.result().tokens().generated()),
          column(
              "kv_policy", KV_POLICY, "the policy that ran", r -> policy(r.result().kv().policy())),
          column("compressions", IntegerType, "how many", r -> r.result().kv().compressions()),
          column(
              "kv_full_rows",
              LongType,
              "rows a full cache would hold at the end",
              r -> r.result().kv().fullRows()),
          column("kv_final_rows", LongType, "rows at the end", r -> r.result().kv().finalRows()),
          column("kv_peak_rows", LongType, "most rows of a step", r -> r.result().kv().peakRows()),
          column("kv_mean_rows", DoubleType, "mean over steps", r -> r.result().kv().meanRows()),
          column("kv_peak_bytes", LongType, "bytes, all layers", r -> r.result().kv().peakBytes()),
          column(
              "kv_saved_ratio",
              DoubleType,
              "share of a full cache's rows that no step attended to",
              r -> r.result().kv().savedRatio()),
          column(
              "compress_ms",
              DoubleType,
              "device time of compressions",
              r -> r.result().kv().compressMillis()),
          column(
              "compression_events",
              new ArrayType(COMPRESSION_EVENT, false),
              "every compression, in order",
              r -> events(r.result().kv().events())),
          column("queue_ms", DoubleType, "waiting", r -> r.result().timings().queueMillis()),
          column("prefill_ms", DoubleType, "prompt", r -> r.result().timings().prefillMillis()),
          column("decode_ms", DoubleType, "output", r -> r.result().timings().decodeMillis()),
          column(
              "tokens_per_second",
              DoubleType,
              "generated tokens over decode time; null where nothing was decoded",
              TraceSchema::tokensPerSecond),
          column("executor_id", StringType, "Spark's executor", r -> r.place().executorId()),
          column("gpu_uuid", StringType, "null on a CPU", r -> r.place().deviceUuid().orElse(null)),
          column("finished_at", TimestampType, "when it ended", TraceRecord::finishedAt),
          column(
              "day",
              DateType,
              "of finished_at, in UTC",
              r -> r.finishedAt().atZone(ZoneOffset.UTC).toLocalDate()),
          column(
              "extracted_answer",
              StringType,
              "last boxed answer of a complete output, else its last line",
              r -> r.result().text().extractedAnswer().orElse(null)),
          column("prompt", StringType, "text, or turns as JSON", r -> r.prompt().orElse(null)),
          column(
              "answer",
              StringType,
              "what follows the thinking; null where truncated inside it",
              r -> r.result().text().answer().orElse(null)),
          column("trace", StringType, "the whole output", TraceSchema::trace),
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

  /** A policy as a value of {@link #KV_POLICY}; numbers that it does not have are null. */
  public static Row policy(KvPolicySettings policy) {
    return RowFactory.create(
        policy.name(),
        orNull(policy.intervalTokens()),
        orNull(policy.windowTokens()),
        orNull(policy.ratio()),
        policy.mode().isEmpty() ? null : policy.mode());
  }

  private static Integer orNull(int number) {
    return number == 0 ? null : Integer.valueOf(number);
  }

  // Row encoders take Scala's collections only.
  private static Seq<Row> events(List<CompressionEvent> events) {
    return CollectionConverters.asScala(events.stream().map(TraceSchema::event).toList()).toSeq();
  }

  private static Row event(CompressionEvent event) {
    return RowFactory.create(
        event.step(),
        event.rowsBefore(),
        event.rowsAfter(),
        event.candidates(),
        event.retained(),
        event.scoreCut(),
        event.millis());
  }

  private static Double tokensPerSecond(TraceRecord row) {
    double seconds = row.result().timings().decodeMillis() / 1_000;
    return seconds > 0 ? row.result().tokens().generated() / seconds : null;
  }

  private static String trace(TraceRecord row) {
    TraceText text = row.result().text();
    return row.result().error().isPresent() && text.trace().isEmpty() ? null : text.trace();
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
