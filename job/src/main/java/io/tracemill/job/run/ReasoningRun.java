package io.tracemill.job.run;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.Counted;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputSnapshot;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.length.LengthModels;
import io.tracemill.job.length.OpenLengthModel;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunManifest;
import io.tracemill.job.output.RunRecord;
import io.tracemill.job.output.RunState;
import io.tracemill.job.output.RunTable;
import io.tracemill.job.output.RunTotals;
import io.tracemill.job.output.TimelinePoint;
import io.tracemill.job.output.TraceRecord;
import io.tracemill.job.output.TraceSchema;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.progress.Console;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.job.wave.DealtWaves;
import io.tracemill.job.wave.RowPlan;
import io.tracemill.job.wave.WaveSize;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
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
  private final RunFolder folder;
  private final Instant startedAt = Instant.now();
  private final String runId =
      RUN_TIME.format(startedAt) + "-%06x".formatted(RANDOM.nextInt(1 << 24));

  /** What predicts lengths; there once it was looked for. */
  private Optional<OpenLengthModel> lengths = Optional.empty();

  /** What the engines were doing; there once rows were generated. */
  private List<TimelinePoint> timeline = List.of();

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
    this.folder = new RunFolder(spark, arguments, console);
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
    OutputTables output = arguments.output();
    arguments.requireOutput(spark.sparkContext().hadoopConfiguration());
    ModelFolder model =
        ModelFolder.open(
            arguments.engine().modelDirectory(),
            arguments.engine().weights(),
            arguments.host().modelCache());
    lengths = LengthModels.open(spark, arguments.lengthModel(), output);
    LengthModels.warnings(lengths, model.modelId(), arguments.engine()).forEach(console::print);
    RunFingerprint fingerprint =
        RunFingerprint.of(
            model.contentHash(),
            arguments.engine(),
            arguments.generation(),
            arguments.input().parameterColumns());
    InputTable input = InputReader.read(spark, arguments.input());
    PromptReader reader =
        new PromptReader(
            input.form(),
            arguments.generation(),
            arguments.input().parameterColumns(),
            arguments.engine().queryRingDepth());
    RunTable runs = new RunTable(spark, output);
    TraceTable traces = output.writeTraces(spark, runId);
    Supplier<RunPlan> planning =
        () -> RunPlan.of(arguments, traces, runs, fingerprint, input, reader);
    RunPlan plan = planning.get();
    if (plan.isDone()) {
      folder.repair(traces, runs);
      return nothingDue(plan, record(model, fingerprint, "none"));
    }
    RunRecord record = record(model, fingerprint, describeLocalEngine());
    while (traces.claim(new TraceSchema(input.carried()).type()) == TraceTable.Claim.CHANGED) {
      plan = planning.get();
      if (plan.isDone()) {
        folder.repair(traces, runs);
        return nothingDue(plan, record);
      }
    }
    begin(traces, runs, record, input);
    Optional<JobException> failure = Optional.empty();
    try {
      generate(plan, record, traces, input, reader);
      traces.finish();
      folder.requireWhole(plan);
      folder.export(record.fingerprint());
    } catch (JobException e) {
      failure = Optional.of(e);
    } catch (Exception e) { // Spark declares none, throws several.
      failure = Optional.of(JobErrors.failed(e));
    }
    return finish(traces, runs, record, failure);
  }

  private RunRecord record(ModelFolder model, RunFingerprint fingerprint, String engine) {
    return new RunRecord(
        runId,
        fingerprint.hash(),
        fingerprint.identity(),
        RunState.RUNNING,
        Optional.empty(),
        spark.sparkContext().applicationId(),
        startedAt,
        Optional.empty(),
        model.modelId(),
        EngineVersion.current(),
        engine,
        arguments.generation().kvPolicy(),
        RunTotals.NONE,
        lengths.map(found -> found.recordedIn(arguments.settings())).orElse(arguments.settings()),
        List.of());
  }

  private RunOutcome nothingDue(RunPlan plan, RunRecord record) {
    RunTotals whole = RunTotals.of(folder.traces());
    new RunTable(spark, arguments.output()).markInterrupted(runId, folder.traces());
    console.print(
        String.format(
            Locale.ROOT,
            "Nothing to generate: %s holds %s that %s asks for (%,d failed; see --retry-errors).",
            arguments.output().traces(),
            plan.rows().counts().asked() == 1
                ? "the one result"
                : String.format(Locale.ROOT, "all %,d results", plan.rows().counts().asked()),
            arguments.input().path(),
            plan.rows().counts().keptFailed()));
    folder.export(record.fingerprint());
    return new RunOutcome(
        record.ended(
            RunState.COMPLETED, Optional.empty(), Instant.now(), RunTotals.NONE, List.of()),
        whole,
        arguments.output());
  }

  /** Takes over from runs whose drivers died, and lets everybody know of this one. */
  private void begin(TraceTable traces, RunTable runs, RunRecord record, InputTable input) {
    runs.put(record);
    RunManifest.write(
        arguments.output(),
        record,
        InputSnapshot.of(
            arguments.input(), input.format(), spark.sparkContext().hadoopConfiguration()),
        spark.sparkContext());
    for (String lost : runs.markInterrupted(runId, folder.traces())) {
      console.print("Run " + lost + " was interrupted; its committed rows stay.");
    }
    traces.clean();
    folder.removeWork();
  }

  private void generate(
      RunPlan plan, RunRecord record, TraceTable traces, InputTable input, PromptReader reader)
      throws Exception {
    RowPlan.Counts counts = plan.rows().counts();
    long waveRows =
        arguments.waveRows() > 0
            ? arguments.waveRows()
            : WaveSize.usual(WaveGeneration.slots(spark, arguments));
    DealtWaves waves = DealtWaves.of(spark, plan.rows(), waveRows, arguments.output().work(runId));
    console.print(
        String.format(
            Locale.ROOT,
            "Run %s: %s of %s (%s) in %s to %s%s",
            runId,
            Counted.of(counts.due(), "row"),
            arguments.input().path(),
            input.format().label(),
            Counted.of(waves.waves().size(), "wave"),
            arguments.output().folder(),
            plan.ofEarlierRows()));
    WaveGeneration generation =
        new WaveGeneration(
            spark,
            arguments,
            opener,
            input,
            reader,
            new TraceRecord.RunStamp(runId, record.modelId(), record.engineVersion()),
            lengths.map(
                found -> new WaveLengths(found, reader, arguments.generation().maxNewTokens())));
    lengths.ifPresent(
        found -> console.print("Length model: %s (%s)".formatted(found.path(), found.learner())));
    try {
      generation.run(waves, counts, traces, console);
    } finally {
      timeline = generation.timeline();
    }
  }

  private RunOutcome finish(
      TraceTable table, RunTable runs, RunRecord record, Optional<JobException> failure) {
    OutputTables output = arguments.output();
    try {
      if (failure.isPresent()) {
        table.clean();
      }
      folder.removeWork();
      RunTotals.Both totals = RunTotals.of(folder.traces(), runId);
      RunRecord ended =
          record.ended(
              failure.isPresent() ? RunState.FAILED : RunState.COMPLETED,
              failure.map(JobException::getMessage),
              Instant.now(),
              totals.own(),
              timeline);
      runs.put(ended);
      if (failure.isEmpty()) {
        return new RunOutcome(ended, totals.whole(), output);
      }
    } catch (Exception e) {
      if (failure.isEmpty()) {
        throw JobErrors.failed(e);
      }
      failure.get().addSuppressed(e);
    }
    throw failure.get();
  }

  /** Where tasks share this JVM, a model that cannot be opened is known before anything starts. */
  private String describeLocalEngine() {
    if (!SparkSessions.isLocal(spark.sparkContext().master())) {
      return "one per executor";
    }
    try (EngineHolder.Lease lease =
        EngineHolder.lease(
            arguments.engine(), opener, arguments.generation().kvPolicy(), () -> false)) {
      return lease.description();
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }
}
