package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.EngineVersion;
import io.tracemill.udf.EngineOpener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/**
 * The command line as a whole. Exit codes: 0 done, 1 the run began and failed, 2 options, files or
 * tables are wrong and nothing was generated.
 *
 * <p>An option that is not given takes its value from {@code spark.tracemill.<option>} in Spark's
 * configuration where that is set, else its default.
 */
@Command(
    name = "tracemill",
    description = "Runs reasoning models over tables of prompts.",
    subcommands = {
      RunCommand.class,
      EvalCommand.class,
      PreflightCommand.class,
      ReplayCommand.class,
      CalibrateCommand.class,
      DemoCommand.class,
      SqlCommand.class,
      LengthsCommand.class,
      DuplicatesCommand.class,
      ReportCommand.class
    },
    versionProvider = TracemillCommand.Version.class)
public final class TracemillCommand implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(TracemillCommand.class);
  private static final String KEY_PREFIX = "spark.tracemill.";
  private static final String DEFAULT_SUBCOMMAND = "run";

  private final Launcher launcher;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Option(names = "--version", versionHelp = true, description = "Shows the version.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean version;

  private TracemillCommand(Launcher launcher) {
    this.launcher = launcher;
  }

  Launcher launcher() {
    return launcher;
  }

  @Override
  public void run() {
    throw new IllegalStateException("a subcommand is always given");
  }

  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"tracemill " + EngineVersion.current()};
    }
  }

  /**
   * Runs a command line.
   *
   * @param args as given; {@code run} may be left out
   * @param opener opens the engine of each executor
   * @param configuration where {@code spark.tracemill.*} keys are looked up
   * @return the exit code
   */
  public static int execute(
      String[] args, EngineOpener opener, Console console, Properties configuration) {
    CommandLine line = new CommandLine(new TracemillCommand(new Launcher(opener, console)));
    line.setUsageHelpAutoWidth(true);
    line.setPosixClusteredShortOptionsAllowed(false);
    line.setParameterExceptionHandler(
        (e, given) -> {
          console.print("tracemill: " + oneSentence(e));
          return JobException.Kind.USAGE.exitCode();
        });
    line.setExecutionExceptionHandler((e, command, result) -> failed(e, console));
    try {
      line.setDefaultValueProvider(settingsOf(line, configuration));
    } catch (JobException e) {
      return failed(e, console);
    }
    return line.execute(withSubcommand(args, line));
  }

  private static int failed(Exception e, Console console) {
    JobException shown = e instanceof JobException known ? known : JobErrors.failed(e);
    LOG.debug("failed", e);
    console.print("tracemill: " + shown.getMessage());
    return shown.kind().exitCode();
  }

  /** picocli adds hints on further lines; the first says what is wrong. */
  private static String oneSentence(ParameterException e) {
    String message = e.getMessage().lines().findFirst().orElse("").strip();
    return (message.endsWith(".") ? message : message + ".") + " See --help.";
  }

  private static String[] withSubcommand(String[] args, CommandLine line) {
    boolean named =
        args.length > 0
            && (line.getSubcommands().containsKey(args[0])
                || List.of("-h", "--help", "--version").contains(args[0]));
    if (named) {
      return args;
    }
    List<String> all = new ArrayList<>(List.of(DEFAULT_SUBCOMMAND));
    all.addAll(Arrays.asList(args));
    return all.toArray(String[]::new);
  }

  private static IDefaultValueProvider settingsOf(CommandLine line, Properties configuration) {
    TreeSet<String> known = new TreeSet<>();
    for (CommandLine sub : line.getSubcommands().values()) {
      sub.getCommandSpec().options().forEach(o -> known.add(key(o)));
    }
    for (String key : configuration.stringPropertyNames()) {
      if (key.startsWith(KEY_PREFIX) && !known.contains(key)) {
        throw JobErrors.unknownKey(key);
      }
    }
    return argument ->
        argument instanceof OptionSpec option ? configuration.getProperty(key(option)) : null;
  }

  private static String key(OptionSpec option) {
    return KEY_PREFIX + option.longestName().replaceFirst("^--", "");
  }
}
