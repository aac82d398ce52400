package io.tracemill.job.output;

import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** The columns of the runs table: name, type, meaning and value side by side. */
public final class RunSchema {
  private static final StructType TIMELINE_POINT =
      new StructType()
          .add("at", TimestampType)
          .add("executor_id", StringType)
          .add("slots_used", DoubleType)
          .add("slots", IntegerType)
          .add("waiting", LongType)
          .add("kv_pages_used", LongType)
          .add("kv_pages", LongType)
          .add("tokens_per_second", DoubleType);

  private static final List<RunColumn> COLUMNS =
      List.of(
          column("run_id", StringType, "joins with traces", RunRecord::runId),
          column(
              "fingerprint",
              StringType,
              "equal for runs that would make the same traces",
              RunRecord::fingerprint),
          column("outcome", StringType, "completed or failed", RunRecord::outcome),
          column("message", StringType, "why it failed", r -> r.message().orElse(null)),
          column("application_id", StringType, "Spark's", RunRecord::applicationId),
          column("started_at", TimestampType, "when reading began", RunRecord::startedAt),
          column("ended_at", TimestampType, "when all was written", RunRecord::endedAt),
          column("seconds", DoubleType, "between the two", RunSchema::seconds),
          column(
              "generating_seconds",
              DoubleType,
              "from the first row's arrival at an engine to the last row's end",
              r -> r.totals().generatingSeconds()),
          column("model_id", StringType, "name and hash of the model", RunRecord::modelId),
          column("engine_version", StringType, "of Tracemill", RunRecord::engineVersion),
          column("engine", StringType, "backend and device", RunRecord::engine),
          column(
              "kv_policy",
              TraceSchema.KV_POLICY,
              "the policy",
              r -> TraceSchema.policy(r.kvPolicy())),
          column("rows", LongType, "result rows", r -> r.totals().rows()),
          column("failed_rows", LongType, "of these, failed", r -> r.totals().failed()),
          column("truncated_rows", LongType, "cut off", r -> r.totals().truncated()),
          column("prompt_tokens", LongType, "tokens", r -> r.totals().promptTokens()),
          column("generated_tokens", LongType, "tokens", r -> r.totals().generatedTokens()),
          column(
              "tokens_per_second",
              DoubleType,
              "generated tokens over generating_seconds",
              r -> r.totals().tokensPerSecond()),
          column("compressions", LongType, "of all rows", r -> r.totals().compressions()),
          column("kv_mean_rows", DoubleType, "mean over rows", r -> r.totals().kvMeanRows()),
          column("kv_peak_rows", LongType, "most of any row", r -> r.totals().kvPeakRows()),
          column(
              "kv_saved_ratio",
              DoubleType,
              "share of a full cache's rows that no step attended to",
              r -> r.totals().kvSavedRatio()),
          column(
              "settings",
              new MapType(StringType, StringType, false),
              "every option with the value in force",
              r -> CollectionConverters.asScala(r.settings())),
          column(
              "timeline",
              new ArrayType(TIMELINE_POINT, false),
              "what each engine was doing, every few seconds",
              r -> timeline(r.timeline())));

  private RunSchema() {}

  /** The table's type. */
  public static StructType type() {
    StructType type = new StructType();
    for (RunColumn column : COLUMNS) {
      type = type.add(column.name(), column.type(), true, column.meaning());
    }
    return type;
  }

  /** A row of the table. */
  public static Row row(RunRecord run) {
    return RowFactory.create(COLUMNS.stream().map(column -> column.value().apply(run)).toArray());
  }

  private record RunColumn(
      String name, DataType type, String meaning, Function<RunRecord, Object> value) {}

  private static RunColumn column(
      String name, DataType type, String meaning, Function<RunRecord, Object> value) {
    return new RunColumn(name, type, meaning, value);
  }

  // Row encoders take Scala's collections only.
  private static Seq<Row> timeline(List<TimelinePoint> points) {
    return CollectionConverters.asScala(points.stream().map(RunSchema::point).toList()).toSeq();
  }

  private static Row point(TimelinePoint point) {
    return RowFactory.create(
        point.at(),
        point.executorId(),
        point.slotsUsed(),
        point.slots(),
        point.waiting(),
        point.kvPagesUsed(),
        point.kvPages(),
        point.tokensPerSecond());
  }

  private static double seconds(RunRecord run) {
    return Duration.between(run.startedAt(), run.endedAt()).toMillis() / 1_000.0;
  }
}
