package io.tracemill.job.run;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.TimelinePoint;
import io.tracemill.job.output.TraceRecord;
import io.tracemill.job.output.TraceSchema;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.output.Wave;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.LiveCounters;
import io.tracemill.job.progress.ProgressMonitor;
import io.tracemill.job.wave.DealtWaves;
import io.tracemill.job.wave.RowPlan;
import io.tracemill.job.wave.WaveRunner;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.RowDealer;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Generates the waves of a run under watch: progress to the console, a stop where it is hopeless.
 */
final class WaveGeneration implements WaveRunner.Generation {
  private final SparkSession spark;
  private final JobArguments arguments;
  private final EngineOpener opener;
  private final InputTable input;
  private final PromptReader reader;
  private final TraceRecord.RunStamp stamp;
  private final Optional<WaveLengths> lengths;
  private final GenerationMetrics metrics;
  private final TraceSchema schema;
  private DealtWaves waves;
  private List<TimelinePoint> timeline = List.of();

  WaveGeneration(
      SparkSession spark,
      JobArguments arguments,
      EngineOpener opener,
      InputTable input,
      PromptReader reader,
      TraceRecord.RunStamp stamp,
      Optional<WaveLengths> lengths) {
    this.spark = spark;
    this.arguments = arguments;
    this.opener = opener;
    this.input = input;
    this.reader = reader;
    this.stamp = stamp;
    this.lengths = lengths;
    this.metrics = GenerationMetrics.register(spark.sparkContext());
    this.schema = new TraceSchema(input.carried());
  }

  /**
   * Runs all waves.
   *
   * @param counts of the plan that they were dealt from
   * @throws Exception of Spark, where one fails; a {@code JobException} where too many rows do
   */
  void run(DealtWaves dealt, RowPlan.Counts counts, TraceTable table, Console console)
      throws Exception {
    waves = dealt;
    SparkContext context = spark.sparkContext();
    LiveCounters counters = new LiveCounters(metrics);
    context.addSparkListener(counters);
    DeathWatch deaths = new DeathWatch(metrics.deaths(), console);
    context.addSparkListener(deaths);
    AtomicLong failedAtStop = new AtomicLong(-1);
    try (ProgressMonitor progress =
        new ProgressMonitor(
            counters,
            console,
            counts.due(),
            slots(spark, arguments),
            lengths.flatMap(model -> model.forecast(dealt, counts.due())),
            failed -> stopWhereHopeless(counts.keptFailed() + failed, counts, failedAtStop))) {
      new WaveRunner(spark, table, stamp.runId()).run(dealt.waves(), this);
      // A quick run may be over before the watch has looked.
      stopWhereHopeless(
          counts.keptFailed() + metrics.value(GenerationMetrics.Counter.ROWS_FAILED),
          counts,
          failedAtStop);
      requireWithinBudget(counts, failedAtStop);
    } catch (Exception e) { // Spark throws checked exceptions that it does not declare.
      requireWithinBudget(counts, failedAtStop);
      throw deaths.explain(e);
    } finally {
      timeline = counters.timeline().points();
      context.removeSparkListener(counters);
      context.removeSparkListener(deaths);
    }
  }

  /** What the engines were doing, in order of time; empty before {@link #run} has ended. */
  List<TimelinePoint> timeline() {
    return timeline;
  }

  private void requireWithinBudget(RowPlan.Counts counts, AtomicLong failedAtStop) {
    if (failedAtStop.get() >= 0) {
      throw JobErrors.tooManyErrors(
          failedAtStop.get(),
          counts.asked(),
          arguments.maxErrors().label(),
          arguments.output().traces());
    }
  }

  private void stopWhereHopeless(long failed, RowPlan.Counts counts, AtomicLong failedAtStop) {
    if (arguments.maxErrors().isExceeded(failed, counts.asked())
        && failedAtStop.compareAndSet(-1, failed)) {
      spark.sparkContext().cancelJobGroupAndFutureJobs(stamp.runId(), "too many rows failed");
    }
  }

  @Override
  public int tasks(Wave wave) {
    return ClusterShape.of(spark.sparkContext()).partitions(arguments, wave.rows());
  }

  @Override
  public Dataset<Row> generate(Wave wave) {
    return lengths
        .map(WaveLengths::dealer)
        .orElse(RowDealer.EVENLY)
        .deal(
            waves.rows().apply(wave),
            tasks(wave),
            ClusterShape.of(spark.sparkContext()).tasksAtOnce())
        .mapPartitions(
            new GenerateRows(
                arguments.engine(),
                opener,
                reader,
                input.carried().orElse(null),
                stamp,
                wave.number(),
                lengths.map(model -> model.lengths().predictor()).orElse(null),
                metrics),
            Encoders.row(schema.type()));
  }

  /** Of all engines that run now; more may join. */
  static int slots(SparkSession spark, JobArguments arguments) {
    int engines = Math.max(1, ClusterShape.of(spark.sparkContext()).engines());
    return engines * arguments.engine().slots();
  }
}
