package io.tracemill.job.preflight;

import io.tracemill.job.error.ClusterErrors;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.length.LengthModels;
import io.tracemill.job.length.OpenLengthModel;
import io.tracemill.job.output.Export;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.ClusterShape;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.job.run.RunPreview;
import io.tracemill.job.wave.RowPlan;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.ml.length.RunForecast;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import scala.Option;

/**
 * Everything that can be known before a run starts, printed section by section; tables and folders
 * stay as they are. What goes wrong in one section does not keep the next from being looked at.
 */
public final class PreflightRun {
  private static final long EXECUTOR_WAIT_SECONDS = 120;
  private static final long EXECUTOR_LOOK_MILLIS = 250;

  private final SparkSession spark;
  private final SparkConf given;
  private final JobArguments arguments;
  private final EngineOpener opener;
  private final SampleSize size;
  private final Findings findings;
  private final PreflightReport report;

  /**
   * A preflight that has not begun.
   *
   * @param given the configuration as the user gave it
   * @param opener opens the engine of an executor
   * @param size how much is generated
   * @param findings what was found so far, to add to
   */
  public PreflightRun(
      SparkSession spark,
      SparkConf given,
      JobArguments arguments,
      EngineOpener opener,
      SampleSize size,
      Findings findings,
      Console console) {
    this.spark = spark;
    this.given = given;
    this.arguments = arguments;
    this.opener = opener;
    this.size = size;
    this.findings = findings;
    this.report = new PreflightReport(console);
  }

  /**
   * Looks at everything.
   *
   * @param pricePerHour of an executor; empty for no price
   */
  public void run(OptionalDouble pricePerHour) {
    // Encoders take their date types from the active session, whichever that is.
    Option<SparkSession> before = SparkSession.getActiveSession();
    SparkSession.setActiveSession(spark);
    try {
      look(pricePerHour);
    } finally {
      before.foreach(
          session -> {
            SparkSession.setActiveSession(session);
            return session;
          });
    }
  }

  private void look(OptionalDouble pricePerHour) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    Optional<ModelFolder> model =
        findings.check(
            () ->
                ModelFolder.open(
                    arguments.engine().modelDirectory(),
                    arguments.engine().weights(),
                    arguments.host().modelCache()));
    findings.verify(() -> arguments.requireOutput(hadoop));
    findings
        .check(() -> OutputProbe.check(arguments.output().folder(), hadoop))
        .ifPresent(report::output);
    Optional<OpenLengthModel> lengths =
        findings
            .check(() -> LengthModels.open(spark, arguments.lengthModel(), arguments.output()))
            .flatMap(found -> found);
    lengths.ifPresent(report::lengthModel);
    model.ifPresent(
        found ->
            LengthModels.warnings(lengths, found.modelId(), arguments.engine())
                .forEach(findings::warning));
    Optional<InputTable> input = findings.check(() -> InputReader.read(spark, arguments.input()));
    ClusterShape cluster = awaitExecutors();
    if (model.isEmpty() || input.isEmpty()) {
      return;
    }
    PromptReader reader =
        new PromptReader(
            input.get().form(),
            arguments.generation(),
            arguments.input().parameterColumns(),
            arguments.engine().queryRingDepth());
    report.input(arguments.input().path(), input.get());
    Optional<RowPlan.Counts> counts =
        findings.check(() -> RunPreview.of(spark, arguments, model.get(), input.get(), reader));
    counts.ifPresent(report::due);
    long due =
        counts
            .map(RowPlan.Counts::due)
            .orElse(input.get().numRows() * arguments.generation().samples());
    SparkChecks.ofPlan(given, plan(cluster, due), findings);
    Optional<PromptSample> sample = prompts(model.get(), input.get(), reader);
    if (sample.isPresent() && cluster.engines() > 0) {
      engine(cluster, reader, sample.get(), due, lengths, pricePerHour);
    }
  }

  private SparkPlan plan(ClusterShape cluster, long due) {
    return new SparkPlan(
        cluster.isLocal(),
        Math.max(1, cluster.engines()),
        cluster.feeders(),
        cluster.partitions(arguments, due),
        due,
        arguments.engine().slots(),
        arguments.generation().maxNewTokens(),
        arguments.exports().contains(Export.OPENAI_BATCH));
  }

  /** Executors come one after the other; the first is enough to go on with. */
  private ClusterShape awaitExecutors() {
    SparkContext context = spark.sparkContext();
    long deadline = System.nanoTime() + EXECUTOR_WAIT_SECONDS * 1_000_000_000;
    ClusterShape shape = ClusterShape.of(context);
    while (shape.engines() == 0 && System.nanoTime() < deadline) {
      try {
        Thread.sleep(EXECUTOR_LOOK_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw JobErrors.failed(e);
      }
      shape = ClusterShape.of(context);
    }
    if (shape.engines() == 0) {
      findings.problem(ClusterErrors.noExecutor(context.master(), EXECUTOR_WAIT_SECONDS));
    }
    return shape;
  }

  private Optional<PromptSample> prompts(ModelFolder model, InputTable input, PromptReader reader) {
    Optional<PromptSample> sample =
        findings.check(() -> Prompts.sample(model.path(), arguments.engine(), input, reader));
    sample.ifPresent(
        rows -> {
          report.prompts(rows, Prompts.contextTokens(model.path(), arguments.engine()), findings);
          if (rows.rows().isEmpty()) {
            findings.problem(
                ClusterErrors.sampleFailed(rows.size(), rows.refused().get(0).reason()));
          }
        });
    return sample.filter(rows -> !rows.rows().isEmpty());
  }

  private void engine(
      ClusterShape cluster,
      PromptReader reader,
      PromptSample sample,
      long due,
      Optional<OpenLengthModel> lengths,
      OptionalDouble pricePerHour) {
    List<Row> rows =
        sample.rows().stream()
            .limit(size.rowsFor(arguments.engine().slots()))
            .map(PromptSample.Tokenised::row)
            .toList();
    Optional<Measured> done = findings.check(() -> measure(reader, rows));
    if (done.isEmpty()) {
      return;
    }
    Measured measured = done.get();
    if (measured.hasFailed()) {
      findings.problem(
          ClusterErrors.noEngine(
              cluster.isLocal() ? "this machine" : "executor " + measured.executorId(),
              measured.failure()));
      return;
    }
    int lanes = arguments.engine().slots();
    if (measured.engine().isPresent()) {
      EngineFacts facts = measured.engine().get();
      report.engine(measured, facts, cluster);
      lanes =
          new FitReport(arguments.generation(), sample, measured, facts).print(report, findings);
    }
    if (measured.rows().size() + measured.unfinished() > 0
        && measured.failed().size() == measured.rows().size()
        && measured.unfinished() == 0) {
      findings.problem(
          ClusterErrors.sampleFailed(measured.rows().size(), measured.failed().get(0).error()));
    }
    Estimate.Plan plan =
        new Estimate.Plan(due, cluster.engines(), lanes, arguments.generation().maxNewTokens());
    report.sample(measured, findings);
    Optional<RunForecast> forecast =
        lengths.filter(found -> due > 0).map(found -> forecast(found, sample, due));
    Optional<Estimate> estimate =
        forecast.isPresent()
            ? Estimate.of(measured, plan, forecast.get(), order(lengths.get()))
            : Estimate.of(measured, plan);
    report.estimate(estimate, plan, pricePerHour);
  }

  private RunForecast forecast(OpenLengthModel lengths, PromptSample sample, long due) {
    return RunForecast.ofPrompts(
        lengths.model(),
        sample.rows().stream().limit(due).map(row -> row.work().row().prompt().orElse("")).toList(),
        due,
        arguments.generation().maxNewTokens());
  }

  private static RunForecast.Order order(OpenLengthModel lengths) {
    return lengths.predictor().tellsPromptsApart()
        ? RunForecast.Order.LONGEST_FIRST
        : RunForecast.Order.AS_DEALT;
  }

  private Measured measure(PromptReader reader, List<Row> rows) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    context.setJobGroup("tracemill-preflight", "Tracemill preflight", true);
    try {
      return context
          .parallelize(rows, 1)
          .mapPartitions(new EngineProbe(arguments.engine(), opener, reader, size.time()))
          .collect()
          .get(0);
    } catch (JobException e) {
      throw e;
    } catch (Exception e) { // Spark throws checked exceptions that it does not declare.
      throw JobErrors.failed(e);
    } finally {
      context.clearJobGroup();
    }
  }
}
