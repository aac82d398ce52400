package io.tracemill.job.cli;

import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.Preflight;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.job.run.RunOutcome;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.HostedEngines;
import java.time.Duration;
import java.util.Locale;
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
    return new HostedEngines(opener, arguments.host());
  }

  /** Runs, prints a summary and gives the exit code. */
  int run(JobArguments arguments) {
    Preflight.check(arguments);
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

  private void print(RunOutcome outcome) {
    var run = outcome.record();
    // Of the whole output: a run that went on from another is one run to who reads this.
    var totals = outcome.whole();
    double seconds =
        Duration.between(run.startedAt(), run.endedAt().orElseThrow()).toMillis() / 1_000.0;
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
        .row("seconds", String.format(Locale.ROOT, "%.1f", seconds));
    if (run.totals().rows() > 0) {
      console.print("Run " + run.runId() + " completed on " + run.engine());
    }
    table.lines().forEach(console::print);
    console.print("  traces  " + outcome.tables().traces());
    console.print("  runs    " + outcome.tables().runs());
  }

  static String number(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
