package io.tracemill.job.output;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.unix_millis;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;
import static org.apache.spark.sql.types.DataTypes.StringType;
import static org.apache.spark.sql.types.DataTypes.TimestampType;

import io.tracemill.udf.trace.ResultColumns;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.Dataset;
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

  /** What is counted from the traces of the run. */
  private static final List<TotalColumn> TOTALS =
      List.of(
          total(
              "generating_seconds",
              DoubleType,
              "from the first row's arrival at an engine to the last row's end",
              RunTotals::generatingSeconds),
          total("rows", LongType, "result rows that this run made", RunTotals::rows),
          total("failed_rows", LongType, "of these, failed", RunTotals::failed),
          total("truncated_rows", LongType, "cut off", RunTotals::truncated),
          total("prompt_tokens", LongType, "tokens", RunTotals::promptTokens),
          total("generated_tokens", LongType, "tokens", RunTotals::generatedTokens),
          total(
              "tokens_per_second",
              DoubleType,
              "generated tokens over generating_seconds",
              RunTotals::tokensPerSecond),
          total("compressions", LongType, "of all rows", RunTotals::compressions),
          total("kv_mean_rows", DoubleType, "mean over rows", RunTotals::kvMeanRows),
          total("kv_peak_rows", LongType, "most of any row", RunTotals::kvPeakRows),
          total(
              "kv_saved_ratio",
              DoubleType,
              "share of a full cache's rows that no step attended to",
              RunTotals::kvSavedRatio));

  private static final List<RunColumn> COLUMNS = columns();

  private static List<RunColumn> columns() {
    List<RunColumn> columns =
        new ArrayList<>(
            List.of(
                column("run_id", StringType, "joins with traces", RunRecord::runId),
                column(
                    "fingerprint",
                    StringType,
                    "equal for runs that would make the same traces",
                    RunRecord::fingerprint),
                column(
                    "identity",
                    new MapType(StringType, StringType, false),
                    "the settings behind the fingerprint",
                    r -> CollectionConverters.asScala(r.identity())),
                column(
                    "outcome",
                    StringType,
                    "running, completed, failed or interrupted",
                    r -> r.state().label()),
                column(
                    "message",
                    StringType,
                    "why it failed or ended early",
                    r -> r.message().orElse(null)),
                column("application_id", StringType, "Spark's", RunRecord::applicationId),
                column("started_at", TimestampType, "when reading began", RunRecord::startedAt),
                column(
                    "ended_at",
                    TimestampType,
                    "when all was written; null while it runs",
                    r -> r.endedAt().orElse(null)),
                column("seconds", DoubleType, "between the two", RunSchema::seconds),
                column("model_id", StringType, "name and hash of the model", RunRecord::modelId),
                column("engine_version", StringType, "of Tracemill", RunRecord::engineVersion),
                column("engine", StringType, "backend and device", RunRecord::engine),
                column(
                    "kv_policy",
                    ResultColumns.KV_POLICY,
                    "the policy",
                    r -> ResultColumns.policy(r.kvPolicy()))));
    TOTALS.forEach(total -> columns.add(total.ofRun()));
    columns.add(
        column(
            "settings",
            new MapType(StringType, StringType, false),
            "every option with the value in force",
            r -> CollectionConverters.asScala(r.settings())));
    columns.add(
        column(
            "timeline",
            new ArrayType(TIMELINE_POINT, false),
            "what each engine was doing, every few seconds",
            r -> timeline(r.timeline())));
    return List.copyOf(columns);
  }

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

  /**
   * A row of the table as it reads when its run has ended, all else as it was.
   *
   * @param when its last row was committed; empty where it committed none
   */
  static Dataset<Row> ended(
      Dataset<Row> run, RunState state, String message, Optional<Instant> when, RunTotals totals) {
    Dataset<Row> ended =
        run.withColumn("outcome", lit(state.label()))
            .withColumn("message", lit(message))
            .withColumn("ended_at", lit(when.orElse(null)).cast(TimestampType))
            .withColumn(
                "seconds",
                unix_millis(col("ended_at")).minus(unix_millis(col("started_at"))).divide(1_000.0));
    for (TotalColumn total : TOTALS) {
      ended = ended.withColumn(total.name(), lit(total.value().apply(totals)).cast(total.type()));
    }
    return ended;
  }

  private record TotalColumn(
      String name, DataType type, String meaning, Function<RunTotals, Object> value) {
    RunColumn ofRun() {
      return column(name, type, meaning, run -> value.apply(run.totals()));
    }
  }

  private static TotalColumn total(
      String name, DataType type, String meaning, Function<RunTotals, Object> value) {
    return new TotalColumn(name, type, meaning, value);
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

  private static Double seconds(RunRecord run) {
    return run.endedAt()
        .map(end -> Duration.between(run.startedAt(), end).toMillis() / 1_000.0)
        .orElse(null);
  }
}
