package io.tracemill.job.cli;

import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.job.calibrate.CalibrationArguments;
import io.tracemill.job.calibrate.CalibrationRun;
import io.tracemill.job.calibrate.CalibrationTarget;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.calibration.CollectorSettings;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Collects what a calibrated KV policy needs to know of a model. */
@Command(
    name = "calibrate",
    sortOptions = false,
    description =
        "Averages a model's queries over texts, for --kv-policy triattention. --input is the"
            + " --output folder of a run of the model, whose prompts are taken with their traces,"
            + " or a table of prompts. Runs on the CPUs of the executors.")
final class CalibrateCommand implements Callable<Integer> {
  private static final int USUAL_TOKENS = 32_000;
  private static final int USUAL_TEXT_TOKENS = 8_192;

  @ParentCommand private TracemillCommand parent;
  @Mixin private TableOptions table = new TableOptions();

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR|URI",
      description = "Folder of a Hugging Face checkpoint, as for a run.")
  private String model;

  @Option(
      names = "--to",
      required = true,
      paramLabel = "FILE",
      description =
          "The file to write, local or on any file system that Spark knows; one that exists is"
              + " replaced.")
  private String to;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      description =
          "Tokens to average, of texts in a fixed random order. Default: 32000, at most 10000000.")
  private int tokens = USUAL_TOKENS;

  @Option(
      names = "--max-context",
      paramLabel = "TOKENS",
      description = "Longer texts are cut off there. Default: 8192.")
  private int maxContext = USUAL_TEXT_TOKENS;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of each executor. Default: all cores.")
  private int threads;

  @Mixin private HostOptions host = new HostOptions();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    CalibrationArguments arguments = arguments();
    Launcher launcher = parent.launcher();
    SparkSession spark = SparkSessions.open(new SparkConf(), launcher.console()::print);
    new CalibrationRun(spark, arguments, launcher.console()).run();
    return 0;
  }

  private CalibrationArguments arguments() {
    Ranges.atLeast("--max-context", maxContext, 1);
    Ranges.atLeast("--threads", threads, 0);
    if (tokens < 1 || tokens > CalibrationArguments.MOST_TOKENS) {
      throw JobErrors.outOfRange(
          "--tokens", tokens, "from 1 to " + CalibrationArguments.MOST_TOKENS);
    }
    ModelFolder folder = ModelFolder.open(model, Weights.CHECKPOINT, host.modelCache());
    CalibrationArguments arguments =
        new CalibrationArguments(
            table.arguments(Map.of()),
            folder,
            new CollectorSettings(
                folder.location(), host.modelCache(), textTokens(folder), threads),
            tokens,
            new CalibrationTarget(to));
    arguments.check();
    return arguments;
  }

  private int textTokens(ModelFolder folder) {
    try {
      return Math.min(maxContext, ModelConfigReader.read(folder.path()).maxPositions());
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }
}
