package io.tracemill.job.run;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.Export;
import io.tracemill.job.output.OpenAiExport;
import io.tracemill.job.output.RunRecord;
import io.tracemill.job.output.RunSchema;
import io.tracemill.job.output.RunTotals;
import io.tracemill.job.output.TimelinePoint;
import io.tracemill.job.output.TraceRecord;
import io.tracemill.job.output.TraceSchema;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.LiveCounters;
import io.tracemill.job.progress.ProgressMonitor;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.GenerationMetrics;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import scala.Option;

/** One run: read, check, deal out, generate, write, count. */
public final class ReasoningRun {
  private static final DateTimeFormatter RUN_TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);
  private static final SecureRandom RANDOM = new SecureRandom();

  private final SparkSession spark;
  private final JobArguments arguments;
  private final EngineOpener opener;
  private final Console console;
  private final Instant startedAt = Instant.now();
  private final String runId =
      RUN_TIME.format(startedAt) + "-%06x".formatted(RANDOM.nextInt(1 << 24));

  /**
   * A run that has not begun.
   *
   * @param opener opens the engine of each executor
   */
  public ReasoningRun(
      SparkSession spark, JobArguments arguments, EngineOpener opener, Console console) {
    this.spark = spark;
    this.arguments = arguments;
    this.opener = opener;
    this.console = console;
  }

  /**
   * Runs to the end.
   *
   * @throws JobException where it cannot start or does not finish; one sentence says why
   */
  public RunOutcome run() {
    // Encoders take their date types from the active session, whichever that is.
    Option<SparkSession> before = SparkSession.getActiveSession();
    SparkSession.setActiveSession(spark);
    try {
      return runActive();
    } finally {
      before.foreach(
          session -> {
            SparkSession.setActiveSession(session);
            return session;
          });
    }
  }

  private RunOutcome runActive() {
    arguments.output().requireFree(spark.sparkContext().hadoopConfiguration());
    ModelFolder model =
        ModelFolder.open(
            arguments.engine().modelDirectory(),
            arguments.engine().weights(),
            arguments.host().modelCache());
    InputTable input = InputReader.read(spark, arguments.input());
    String engine = describeLocalEngine();
    TraceRecord.RunStamp stamp =
        new TraceRecord.RunStamp(runId, model.modelId(), EngineVersion.current());
    String fingerprint =
        RunFingerprint.of(
            model.contentHash(),
            arguments.engine(),
            arguments.generation(),
            arguments.input().parameterColumns());
    PromptReader reader =
        new PromptReader(
            input.form(),
            arguments.generation(),
            arguments.input().parameterColumns(),
            arguments.engine().queryRingDepth());
    long due = reader.samples(input);
    Optional<JobException> failure = Optional.empty();
    RunTotals totals = RunTotals.NONE;
    try {
      generate(input, reader, stamp, due);
      totals = RunTotals.of(arguments.output().readTraces(spark), runId);
      if (totals.rows() != due) {
        throw JobErrors.wrongCount(arguments.output().traces(), due, totals.rows());
      }
      export();
    } catch (JobException e) {
      failure = Optional.of(e);
    } catch (Exception e) { // Spark declares none, throws several.
      failure = Optional.of(JobErrors.failed(e));
    }
    RunRecord record =
        new RunRecord(
            runId,
            fingerprint,
            failure.isPresent() ? "failed" : "completed",
            failure.map(JobException::getMessage),
            spark.sparkContext().applicationId(),
            startedAt,
            Instant.now(),
            model.modelId(),
            EngineVersion.current(),
            engine,
            arguments.generation().kvPolicy(),
            totals,
            arguments.settings(),
            timeline);
    return finish(record, failure);
  }

  private void export() {
    if (arguments.exports().contains(Export.OPENAI_BATCH)) {
      String folder =
          OpenAiExport.write(
              arguments.output().readTraces(spark),
              runId,
              arguments.output(),
              spark.sparkContext().hadoopConfiguration());
      console.print("Answers in OpenAI's form: " + folder);
    }
  }

  private RunOutcome finish(RunRecord record, Optional<JobException> failure) {
    try {
      arguments
          .output()
          .writeRuns(
              spark.createDataFrame(List.of(RunSchema.row(record)), RunSchema.type()).coalesce(1));
    } catch (Exception e) {
      if (failure.isEmpty()) {
        throw JobErrors.failed(e);
      }
      failure.get().addSuppressed(e);
    }
    if (failure.isPresent()) {
      throw failure.get();
    }
    return new RunOutcome(record, arguments.output());
  }

  /** What the engines were doing, from the generating stage. */
  private List<TimelinePoint> timeline = List.of();

  private void generate(InputTable input, PromptReader reader, TraceRecord.RunStamp stamp, long due)
      throws Exception {
    SparkContext context = spark.sparkContext();
    int partitions = partitions(due);
    console.print(
        String.format(
            Locale.ROOT,
            "Run %s: %,d rows of %s (%s) in %d tasks to %s",
            runId,
            due,
            arguments.input().path(),
            input.format().label(),
            partitions,
            arguments.output().folder()));
    GenerationMetrics metrics = GenerationMetrics.register(context);
    LiveCounters counters = new LiveCounters(metrics);
    context.addSparkListener(counters);
    context.setJobGroup(runId, "Tracemill run " + runId, true);
    AtomicLong failedAtStop = new AtomicLong(-1);
    try (ProgressMonitor progress =
        new ProgressMonitor(
            counters,
            console,
            due,
            slots(),
            failed -> stopWhereHopeless(failed, due, failedAtStop))) {
      TraceSchema schema = new TraceSchema(input.carried());
      Dataset<Row> traces =
          input
              .rows()
              // A number of partitions, not a column: adaptive execution leaves it alone.
              .repartition(partitions)
              .mapPartitions(
                  new GenerateRows(
                      arguments.engine(),
                      opener,
                      reader,
                      input.carried().orElse(null),
                      stamp,
                      metrics),
                  Encoders.row(schema.type()));
      arguments.output().writeTraces(traces);
    } catch (Exception e) { // Spark throws checked exceptions that it does not declare.
      if (failedAtStop.get() >= 0) {
        throw JobErrors.tooManyErrors(
            failedAtStop.get(), due, arguments.maxErrors().label(), arguments.output().traces());
      }
      throw e;
    } finally {
      timeline = counters.timeline().points();
      context.clearJobGroup();
      context.removeSparkListener(counters);
    }
  }

  private void stopWhereHopeless(long failed, long due, AtomicLong failedAtStop) {
    if (arguments.maxErrors().isExceeded(failed, due) && failedAtStop.compareAndSet(-1, failed)) {
      spark.sparkContext().cancelJobGroup(runId);
    }
  }

  /** Of all engines that run now; more may join. */
  private int slots() {
    SparkContext context = spark.sparkContext();
    int engines =
        SparkSessions.isLocal(context.master())
            ? 1
            : Math.max(1, context.statusTracker().getExecutorInfos().length - 1);
    return engines * arguments.engine().slots();
  }

  private int partitions(long due) {
    if (arguments.partitions() > 0) {
      return arguments.partitions();
    }
    int parallelism = spark.sparkContext().defaultParallelism();
    int feeders =
        SparkSessions.isLocal(spark.sparkContext().master())
            ? parallelism
            : spark.sparkContext().conf().getInt("spark.executor.cores", parallelism);
    return PartitionPlan.partitions(due, parallelism, feeders, arguments.engine().slots());
  }

  /** Where tasks share this JVM, a model that cannot be opened is known before anything starts. */
  private String describeLocalEngine() {
    if (!SparkSessions.isLocal(spark.sparkContext().master())) {
      return "one per executor";
    }
    try (EngineHolder.Lease lease = EngineHolder.lease(arguments.engine(), opener, () -> false)) {
      return lease.description();
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }
}
