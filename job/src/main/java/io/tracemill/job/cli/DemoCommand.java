package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.preflight.EarlyChecks;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.job.run.RunOutcome;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
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
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/**
 * The small model of the repository over its prompts: with RPC, with the newest rows only in as
 * much memory, and with a full cache.
 */
@Command(
    name = "demo",
    sortOptions = false,
    description =
        "Runs the demo's prompts with RPC, with only the newest rows in as much memory, and with a"
            + " full KV cache, and compares the three.")
final class DemoCommand implements Callable<Integer> {
  private static final String PROMPTS = "prompts.jsonl";
  private static final int INTERVAL = 640;
  private static final int WINDOW = 64;
  private static final int RATIO = 10;

  /** A way to keep a cache: the folder of its tables, and the options of {@code run}. */
  private enum Cache {
    RPC(
        "--kv-policy=rpc",
        "--rpc-interval=" + INTERVAL,
        "--rpc-window=" + WINDOW,
        "--rpc-ratio=" + RATIO),
    NEWEST(
        "--kv-policy=sinks-window",
        "--kv-option=budget=growing",
        "--kv-option=interval=" + INTERVAL,
        "--kv-option=window=" + WINDOW,
        "--kv-option=ratio=" + RATIO),
    FULL("--kv-policy=full");

    private final List<String> options;

    Cache(String... options) {
      this.options = List.of(options);
    }

    String folder() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Where the demo's tables of the run with RPC lie. */
  static Path rpc(Path tables) {
    return tables.resolve(Cache.RPC.folder());
  }

  /** Where the demo's tables of the run with a full cache lie. */
  static Path full(Path tables) {
    return tables.resolve(Cache.FULL.folder());
  }

  @ParentCommand private TracemillCommand parent;

  @Option(names = "--all", description = "All 210 prompts instead of every fifth.")
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

    List<JobArguments> runs = new ArrayList<>();
    for (Cache cache : Cache.values()) {
      JobArguments arguments = arguments(home, prompts, cache);
      // The engine of the first run serves the others: its model is loaded once.
      runs.add(runs.isEmpty() ? arguments : arguments.withEngine(runs.get(0).engine()));
    }
    for (JobArguments run : runs) {
      EarlyChecks.check(run);
    }
    EngineHolder.warmUp(runs.get(0).engine(), launcher.opener(runs.get(0)));
    SparkSession spark = SparkSessions.open(new SparkConf(), console::print);
    try {
      List<RunOutcome> outcomes = new ArrayList<>();
      for (JobArguments run : runs) {
        outcomes.add(new ReasoningRun(spark, run, launcher.opener(run), console).run());
      }
      String rpc = "RPC, P %d, R %d, c %d".formatted(INTERVAL, WINDOW, RATIO);
      new DemoComparison(spark, console)
          .print(List.of(rpc, "newest rows only", "full cache"), outcomes);
      hints(console, home);
      return 0;
    } finally {
      EngineHolder.closeIdle();
    }
  }

  private JobArguments arguments(DemoHome home, Path prompts, Cache cache) {
    List<String> options = new ArrayList<>(cache.options);
    options.addAll(
        List.of(
            "--input=" + prompts,
            "--output=" + tables.resolve(cache.folder()),
            "--model=" + home.model(),
            "--temperature=0",
            "--top-p=1",
            "--max-new-tokens=4096",
            // Small enough that the cache, not the slots, decides how many rows run at once.
            "--kv-memory=256m",
            "--slots=32"));
    RunCommand command = new RunCommand();
    new CommandLine(command).parseArgs(options.toArray(String[]::new));
    return command.arguments();
  }

  /** Some of the prompts: all families, all sizes. */
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
              file ->
                  file.endsWith(PROMPTS)
                      || Stream.of(Cache.values()).anyMatch(c -> file.endsWith(c.folder())));
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

  private void hints(Console console, DemoHome home) {
    // The other commands find the tables by themselves where they look for them anyway.
    boolean found = tables.equals(home.tables());
    console.print("Tables (Delta), traces and runs in each: " + tables + "/{rpc,newest,full}");
    console.print("Try:");
    console.print(
        "  bin/tracemill report"
            + (found ? "" : " --output " + rpc(tables) + " --compare " + full(tables)));
    console.print(
        "  bin/tracemill sql"
            + (found ? "" : " --tables " + tables)
            + " \"SELECT kv_policy, accuracy, accuracy_low, accuracy_high, saved_ratio,"
            + " tokens_per_correct FROM tm_compression_accuracy\"");
  }
}
