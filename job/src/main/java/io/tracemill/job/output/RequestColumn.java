package io.tracemill.job.output;

import static org.apache.spark.sql.types.DataTypes.FloatType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.StringType;

import io.tracemill.udf.GenerationSettings;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The column {@code request}: with {@code seed}, {@code kv_policy} and {@code prompt} all that a
 * row was asked for, its own settings in place of the run's, so that it can be asked again.
 */
public final class RequestColumn {
  /** How {@code prompt} is to be read. */
  public enum PromptKind {
    /** Text of one user turn. */
    TEXT,
    /** Turns as JSON. */
    MESSAGES;

    private String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static final StructType TYPE =
      new StructType()
          .add("prompt_kind", StringType)
          .add("temperature", FloatType)
          .add("top_k", IntegerType)
          .add("top_p", FloatType)
          .add("min_p", FloatType)
          .add("repetition_penalty", FloatType)
          .add("max_new_tokens", IntegerType)
          .add("stop", new ArrayType(StringType, false))
          .add("samples", IntegerType)
          .add("kv_options", new MapType(StringType, StringType, false));

  private RequestColumn() {}

  static Row value(PromptKind kind, GenerationSettings settings) {
    return RowFactory.create(
        kind.label(),
        settings.temperature(),
        settings.topK(),
        settings.topP(),
        settings.minP(),
        settings.repetitionPenalty(),
        settings.maxNewTokens(),
        CollectionConverters.asScala(settings.stopStrings()).toSeq(),
        settings.samples(),
        CollectionConverters.asScala(settings.kvOptions()));
  }

  /** How the prompt of a row of the traces table is to be read; empty where it was not recorded. */
  public static Optional<PromptKind> promptKind(Row trace) {
    return request(trace).map(r -> PromptKind.valueOf(upper(r.getString(0))));
  }

  /** The settings of a row of the traces table; empty where they were not recorded. */
  public static Optional<GenerationSettings> settings(Row trace) {
    return request(trace).map(request -> settings(trace, request));
  }

  private static GenerationSettings settings(Row trace, Row request) {
    Row policy = trace.getStruct(trace.fieldIndex("kv_policy"));
    List<String> stop = request.<String>getList(request.fieldIndex("stop"));
    Map<String, String> kvOptions =
        request.<String, String>getJavaMap(request.fieldIndex("kv_options"));
    return new GenerationSettings(
        request.getFloat(request.fieldIndex("temperature")),
        request.getInt(request.fieldIndex("top_k")),
        request.getFloat(request.fieldIndex("top_p")),
        request.getFloat(request.fieldIndex("min_p")),
        request.getFloat(request.fieldIndex("repetition_penalty")),
        request.getInt(request.fieldIndex("max_new_tokens")),
        stop,
        trace.getLong(trace.fieldIndex("seed")),
        request.getInt(request.fieldIndex("samples")),
        policy.getString(policy.fieldIndex("name")),
        number(policy, "interval"),
        number(policy, "window"),
        number(policy, "ratio"),
        policy.isNullAt(policy.fieldIndex("mode"))
            ? ""
            : policy.getString(policy.fieldIndex("mode")),
        kvOptions);
  }

  private static Optional<Row> request(Row trace) {
    if (!List.of(trace.schema().fieldNames()).contains("request")) {
      return Optional.empty();
    }
    return Optional.ofNullable(trace.getStruct(trace.fieldIndex("request")));
  }

  private static int number(Row policy, String field) {
    int at = policy.fieldIndex(field);
    return policy.isNullAt(at) ? 0 : policy.getInt(at);
  }

  private static String upper(String label) {
    return label.toUpperCase(Locale.ROOT);
  }

  /** Token ids as an array; null where there are none. */
  static Seq<Integer> tokenIds(List<Integer> ids) {
    return ids.isEmpty() ? null : CollectionConverters.asScala(ids).toSeq();
  }
}
