package io.tracemill.job.cli;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.call_function;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.not;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.output.RunTotals;
import io.tracemill.job.preflight.EarlyChecks;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.job.run.RunOutcome;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.sql.TracemillFunctions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** The small model of the repository over its prompts, with a compressed and with a full cache. */
@Command(
    name = "demo",
    sortOptions = false,
    description =
        "Runs the demo's prompts with a compressed and with a full KV cache and compares the two.")
final class DemoCommand implements Callable<Integer> {
  private static final int EXAMPLE_CHARACTERS = 100;
  private static final String PROMPTS = "prompts.jsonl";

  @ParentCommand private TracemillCommand parent;

  @Option(names = "--all", description = "All 200 prompts instead of every fifth.")
  private boolean all;

  @Option(
      names = "--tables",
      paramLabel = "DIR",
      description =
          "Folder of the demo's own, emptied before it is written. Default: .tracemill/demo.")
  private Path tables;

  @Option(
      names = "--every",
      paramLabel = "N",
      hidden = true, // For tests: fewer prompts of the same mixture.
      description = "Every Nth prompt instead of every fifth.")
  private int every = 5;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() throws IOException {
    Launcher launcher = parent.launcher();
    Console console = launcher.console();
    Ranges.atLeast("--every", every, 1);
    DemoHome home = DemoHome.find();
    if (tables == null) {
      tables = home.tables();
    } else {
      requireOwn(tables);
    }
    empty(tables);
    Path prompts = all ? home.prompts() : sample(home);

    JobArguments compressed = arguments(home, prompts, "rpc", "rpc");
    JobArguments full =
        // The engine of the first run serves the second: its model is not loaded twice.
        arguments(home, prompts, "full", "full").withEngine(compressed.engine());
    EarlyChecks.check(compressed);
    EarlyChecks.check(full);
    EngineHolder.warmUp(compressed.engine(), launcher.opener(compressed));
    SparkSession spark = SparkSessions.open(new SparkConf(), console::print);
    try {
      RunOutcome rpc =
          new ReasoningRun(spark, compressed, launcher.opener(compressed), console).run();
      RunOutcome whole = new ReasoningRun(spark, full, launcher.opener(full), console).run();
      report(spark, console, rpc, whole, home);
      return 0;
    } finally {
      EngineHolder.closeIdle();
    }
  }

  private JobArguments arguments(DemoHome home, Path prompts, String policy, String folder) {
    RunCommand command = new RunCommand();
    new CommandLine(command)
        .parseArgs(
            "--input=" + prompts,
            "--output=" + tables.resolve(folder),
            "--model=" + home.model(),
            "--kv-policy=" + policy,
            "--rpc-interval=512",
            "--rpc-window=128",
            "--rpc-ratio=4",
            "--temperature=0",
            "--top-p=1",
            "--max-new-tokens=3000",
            // Small enough that the cache, not the slots, decides how many rows run at once.
            "--kv-memory=256m",
            "--slots=32");
    return command.arguments();
  }

  /** Some of the prompts: both families, all sizes. */
  private Path sample(DemoHome home) throws IOException {
    List<String> lines = Files.readAllLines(home.prompts());
    List<String> sample = new ArrayList<>();
    for (int i = 0; i < lines.size(); i += every) {
      sample.add(lines.get(i));
    }
    Files.createDirectories(tables);
    return Files.write(tables.resolve(PROMPTS), sample);
  }

  /** A folder that is emptied must be new, empty, or what an earlier demo wrote. */
  private static void requireOwn(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      boolean own =
          inside.allMatch(
              file -> List.of("rpc", "full", PROMPTS).contains(file.getFileName().toString()));
      if (!own) {
        throw JobErrors.notTheDemos(folder.toString());
      }
    }
  }

  private static void empty(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(folder.toString(), new UncheckedIOException(e));
    }
  }

  private void report(
      SparkSession spark, Console console, RunOutcome rpc, RunOutcome full, DemoHome home) {
    Score rpcScore = score(rpc.tables().readTraces(spark));
    Score fullScore = score(full.tables().readTraces(spark));
    RunTotals a = rpc.record().totals();
    RunTotals b = full.record().totals();
    console.print("");
    console.print(rpc.record().engine());
    SummaryTable table =
        new SummaryTable()
            .row("", "RPC, P 512, R 128, c 4", "full cache")
            .row("right answers", rpcScore.label(), fullScore.label())
            .row("  expressions", rpcScore.expressions(), fullScore.expressions())
            .row("  word problems", rpcScore.words(), fullScore.words())
            .row("truncated traces", number(a.truncated()), number(b.truncated()))
            .row("generated tokens", number(a.generatedTokens()), number(b.generatedTokens()))
            .row(
                "tokens/s",
                number(Math.round(a.tokensPerSecond())),
                number(Math.round(b.tokensPerSecond())))
            .row("compressions", number(a.compressions()), number(b.compressions()))
            .row(
                "KV rows of a trace, mean",
                number(Math.round(a.kvMeanRows())),
                number(Math.round(b.kvMeanRows())))
            .row("KV rows of a trace, peak", number(a.kvPeakRows()), number(b.kvPeakRows()))
            .row("KV rows saved", percent(a.kvSavedRatio()), percent(b.kvSavedRatio()));
    table.lines().forEach(console::print);
    console.print("");
    examples(spark, console, rpc);
    console.print("Tables (Delta): " + rpc.tables().traces() + " and runs beside it,");
    console.print("                " + full.tables().traces() + " and runs beside it.");
    console.print("Try:");
    console.print("  bin/tracemill report" + option(home));
    console.print(
        "  bin/tracemill sql"
            + option(home)
            + " \"SELECT kv_policy, accuracy, accuracy_low, accuracy_high, saved_ratio,"
            + " tokens_per_correct FROM tm_compression_accuracy\"");
  }

  /** What the other commands need to find the tables; nothing where they look there anyway. */
  private String option(DemoHome home) {
    return tables.equals(home.tables()) ? "" : " --tables " + tables;
  }

  private record Score(long rows, long right, String expressions, String words) {
    String label() {
      return "%d of %d (%s)".formatted(right, rows, percent((double) right / rows));
    }
  }

  private static Score score(Dataset<Row> traces) {
    TracemillFunctions.register(traces.sparkSession());
    Column right = call_function("tm_is_correct", col("extracted_answer"), col("input.answer"));
    Column expression = col("input.family").equalTo("expression");
    Row sums =
        traces
            .agg(
                count(lit(1)),
                sum(when(right, 1).otherwise(0)),
                avg(when(expression, when(right, 1.0).otherwise(0.0))),
                avg(when(expression, null).otherwise(when(right, 1.0).otherwise(0.0))))
            .head();
    return new Score(
        sums.getLong(0), sums.getLong(1), percent(sums.getDouble(2)), percent(sums.getDouble(3)));
  }

  private static void examples(SparkSession spark, Console console, RunOutcome rpc) {
    Column expression = col("input.family").equalTo("expression");
    Column compressed = col("compressions").gt(0);
    List<Row> rows = new ArrayList<>();
    // The first of each kind, whatever became of it.
    for (Column kind :
        List.of(expression.and(not(compressed)), expression.and(compressed), not(expression))) {
      rows.addAll(
          rpc.tables()
              .readTraces(spark)
              .filter(kind)
              .orderBy(col("row_key"))
              .limit(1)
              .select(
                  col("row_key"),
                  col("prompt"),
                  col("trace"),
                  col("extracted_answer"),
                  col("input.answer"),
                  col("generated_tokens"),
                  col("kv_full_rows"),
                  col("kv_final_rows"),
                  col("finish_reason"))
              .collectAsList());
    }
    for (Row row : rows) {
      console.print(row.getString(0) + "  " + shortened(row.getString(1)));
      console.print("  trace    " + shortened(row.getString(2)));
      console.print(
          String.format(
              Locale.ROOT,
              "  answer   %s, right is %s; %s after %,d tokens; KV rows %,d instead of %,d",
              row.isNullAt(3) ? "none" : row.getString(3),
              row.getString(4),
              row.getString(8),
              row.getInt(5),
              row.getLong(7),
              row.getLong(6)));
    }
    console.print("");
  }

  private static String shortened(String text) {
    String line = text.replaceAll("\\s+", " ").strip();
    return line.length() <= EXAMPLE_CHARACTERS
        ? line
        : line.substring(0, EXAMPLE_CHARACTERS) + " ...";
  }

  private static String number(long value) {
    return Launcher.number(value);
  }

  private static String percent(double share) {
    return Math.round(100 * share) + " %";
  }
}
