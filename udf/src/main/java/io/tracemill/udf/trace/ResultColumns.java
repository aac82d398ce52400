package io.tracemill.udf.trace;

import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.FloatType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import io.tracemill.engine.api.CompressionEvent;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.TraceText;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The columns that every result has, whoever writes it: key, outcome, lengths, the KV account,
 * times, and text last.
 */
public final class ResultColumns {
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

  private static final List<ResultColumn> ALL =
      List.of(
          column("row_key", StringType, "the row's id, or a hash of it", r -> r.rowKey()),
          column("sample_index", IntegerType, "from 0", r -> r.sampleIndex()),
          column("status", StringType, "ok or error", r -> r.error().isPresent() ? "error" : "ok"),
          column(
              "finish_reason",
              StringType,
              "why the output ended; stop and stop_string alone are complete",
              r -> r.finishReason().label()),
          column(
              "error_class",
              StringType,
              "what went wrong, as a code",
              r -> r.error().map(error -> error.code().name()).orElse(null)),
          column(
              "error_message",
              StringType,
              "what went wrong, as a sentence",
              r -> r.error().map(RowError::message).orElse(null)),
          column("prompt_tokens", IntegerType, "tokens", r -> r.tokens().prompt()),
          column("thinking_tokens", IntegerType, "tokens", r -> r.tokens().thinking()),
          column("answer_tokens", IntegerType, "tokens", r -> r.tokens().answer()),
          column("generated_tokens", IntegerType, "tokens", r -> r.tokens().generated()),
          column("kv_policy", KV_POLICY, "the policy that ran", r -> policy(r.kv().policy())),
          column("compressions", IntegerType, "how many", r -> r.kv().compressions()),
          column(
              "kv_full_rows",
              LongType,
              "rows a full cache would hold at the end",
              r -> r.kv().fullRows()),
          column("kv_final_rows", LongType, "rows at the end", r -> r.kv().finalRows()),
          column("kv_peak_rows", LongType, "most rows of a step", r -> r.kv().peakRows()),
          column("kv_mean_rows", DoubleType, "mean over steps", r -> r.kv().meanRows()),
          column("kv_peak_bytes", LongType, "bytes, all layers", r -> r.kv().peakBytes()),
          column(
              "kv_saved_ratio",
              DoubleType,
              "share of a full cache's rows that no step attended to",
              r -> r.kv().savedRatio()),
          column(
              "compress_ms",
              DoubleType,
              "device time of compressions",
              r -> r.kv().compressMillis()),
          column(
              "compression_events",
              new ArrayType(COMPRESSION_EVENT, false),
              "every compression, in order",
              r -> events(r.kv().events())),
          column("queue_ms", DoubleType, "waiting", r -> r.timings().queueMillis()),
          column("prefill_ms", DoubleType, "prompt", r -> r.timings().prefillMillis()),
          column("decode_ms", DoubleType, "output", r -> r.timings().decodeMillis()),
          column(
              "tokens_per_second",
              DoubleType,
              "generated tokens over decode time; null where nothing was decoded",
              ResultColumns::tokensPerSecond),
          column(
              "extracted_answer",
              StringType,
              "last boxed answer of a complete output, else its last line",
              r -> r.text().extractedAnswer().orElse(null)),
          column(
              "answer",
              StringType,
              "what follows the thinking; null where truncated inside it",
              r -> r.text().answer().orElse(null)),
          column("trace", StringType, "the whole output", ResultColumns::trace));

  private ResultColumns() {}

  /** All columns in the order of a table. */
  public static List<ResultColumn> all() {
    return ALL;
  }

  /** All columns as one struct. */
  public static StructType type() {
    StructType type = new StructType();
    for (ResultColumn column : ALL) {
      type = type.add(column.name(), column.type(), true, column.meaning());
    }
    return type;
  }

  /** A result as a value of {@link #type()}. */
  public static Row row(GenerationResult result) {
    return RowFactory.create(ALL.stream().map(column -> column.value().apply(result)).toArray());
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

  private static ResultColumn column(
      String name, DataType type, String meaning, Function<GenerationResult, Object> value) {
    return new ResultColumn(name, type, meaning, value);
  }

  private static Integer orNull(int number) {
    return number == 0 ? null : Integer.valueOf(number);
  }

  // Row encoders take Scala's collections only.
  private static Seq<Row> events(List<CompressionEvent> events) {
    return CollectionConverters.asScala(events.stream().map(ResultColumns::event).toList()).toSeq();
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

  private static Double tokensPerSecond(GenerationResult result) {
    double seconds = result.timings().decodeMillis() / 1_000;
    return seconds > 0 ? result.tokens().generated() / seconds : null;
  }

  private static String trace(GenerationResult result) {
    TraceText text = result.text();
    return result.error().isPresent() && text.trace().isEmpty() ? null : text.trace();
  }
}
