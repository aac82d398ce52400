package io.tracemill.job.cli;

import io.tracemill.job.error.JobException;
import io.tracemill.job.eval.EvalArguments;
import io.tracemill.job.eval.EvaluationRun;
import io.tracemill.job.preflight.EarlyChecks;
import io.tracemill.job.preflight.Findings;
import io.tracemill.job.preflight.PreflightRun;
import io.tracemill.job.preflight.SampleSize;
import io.tracemill.job.preflight.SparkChecks;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SlotUse;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.job.run.RunOutcome;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.HostSettings;
import io.tracemill.udf.HostedEngines;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/** Takes checked arguments through Spark to tables and a summary. */
final class Launcher {
  private final EngineOpener opener;
  private final Console console;

  Launcher(EngineOpener opener, Console console) {
    this.opener = opener;
    this.console = console;
  }

  Console console() {
    return console;
  }

  /** What opens the engines of a run on prepared hosts. */
  EngineOpener opener(JobArguments arguments) {
    return opener(arguments.host());
  }

  /** What opens engines on hosts that are prepared like this. */
  EngineOpener opener(HostSettings host) {
    return new HostedEngines(opener, host);
  }

  /** Runs, prints a summary and gives the exit code. */
  int run(JobArguments arguments) {
    EarlyChecks.check(arguments);
    SparkConf conf = new SparkConf();
    if (SparkSessions.isLocal(conf.get("spark.master", "local[*]"))) {
      // The model loads while Spark starts.
      EngineHolder.warmUp(arguments.engine(), opener(arguments));
    }
    SparkSession spark = SparkSessions.open(conf, console::print);
    try {
      print(new ReasoningRun(spark, arguments, opener(arguments), console).run());
      return 0;
    } finally {
      EngineHolder.closeIdle();
    }
  }

  /** Evaluates, prints the table and gives the exit code. */
  int evaluate(EvalArguments arguments) {
    EarlyChecks.check(arguments.job());
    SparkSession spark = SparkSessions.open(new SparkConf(), console::print);
    try {
      new EvaluationRun(spark, arguments, opener(arguments.job()), console).run();
      return 0;
    } finally {
      EngineHolder.closeIdle();
    }
  }

  /** Looks at everything that a run needs; 0 where it would run. */
  int preflight(RunCommand run, SampleSize size, OptionalDouble pricePerHour) {
    Findings findings = new Findings();
    Optional<JobArguments> arguments = run.arguments(findings);
    if (arguments.isEmpty()) {
      run.checkFiles(findings);
    } else {
      fly(arguments.get(), size, pricePerHour, findings);
    }
    return verdict(findings);
  }

  private void fly(
      JobArguments arguments, SampleSize size, OptionalDouble pricePerHour, Findings findings) {
    SparkConf given = new SparkConf();
    SparkChecks.beforeStart(given, findings);
    SparkConf conf = given.clone();
    if (!findings.problems().isEmpty()) {
      // Each is in the list already; without them Spark can start and the rest be looked at.
      conf.set("spark.speculation", "false");
    }
    SparkSession spark = SparkSessions.open(conf, findings::warning);
    try {
      new PreflightRun(spark, given, arguments, opener(arguments), size, findings, console)
          .run(pricePerHour);
    } finally {
      EngineHolder.closeIdle();
    }
  }

  private int verdict(Findings findings) {
    findings.warnings().forEach(warning -> console.print("warning: " + warning));
    findings.problems().forEach(problem -> console.print("problem: " + problem));
    int problems = findings.problems().size();
    console.print(
        problems == 0
            ? "This would run; nothing was changed."
            : "This would not run: %d problem%s; nothing was changed."
                .formatted(problems, problems == 1 ? "" : "s"));
    return problems == 0 ? 0 : JobException.Kind.USAGE.exitCode();
  }

  private void print(RunOutcome outcome) {
    var run = outcome.record();
    // Of the whole output: a run that went on from another is one run to who reads this.
    var totals = outcome.whole();
    double seconds =
        Duration.between(run.startedAt(), run.endedAt().orElseThrow()).toMillis() / 1_000.0;
    OptionalDouble slotUse = SlotUse.of(run.timeline());
    SummaryTable table = new SummaryTable().row("rows", number(totals.rows()));
    if (run.totals().rows() != totals.rows()) {
      table.row("  by this run", number(run.totals().rows()));
    }
    table
        .row("failed", number(totals.failed()))
        .row("truncated", number(totals.truncated()))
        .row("generated tokens", number(totals.generatedTokens()))
        .row("tokens/s", number(Math.round(totals.tokensPerSecond())))
        .row("KV policy", run.kvPolicy().name())
        .row("compressions", number(totals.compressions()))
        .row("KV rows, mean", number(Math.round(totals.kvMeanRows())))
        .row("KV rows, peak", number(totals.kvPeakRows()))
        .row("KV saved", Math.round(100 * totals.kvSavedRatio()) + " %")
        .row(
            "slots used",
            slotUse.isPresent() ? Math.round(100 * slotUse.getAsDouble()) + " %" : "-")
        .row("seconds", String.format(Locale.ROOT, "%.1f", seconds));
    if (run.totals().rows() > 0) {
      console.print("Run " + run.runId() + " completed on " + run.engine());
    }
    table.lines().forEach(console::print);
    SlotUse.warning(run.timeline(), run.totals().rows()).ifPresent(console::print);
    console.print("  traces  " + outcome.tables().traces());
    console.print("  runs    " + outcome.tables().runs());
  }

  static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
