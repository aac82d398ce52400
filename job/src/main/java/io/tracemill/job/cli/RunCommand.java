package io.tracemill.job.cli;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.run.ErrorBudget;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.GenerationSettings;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Generates a trace and an answer for every row of a table. */
@Command(
    name = "run",
    sortOptions = false,
    description = "Generates a trace and an answer for every row of a table of prompts.")
final class RunCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private TracemillCommand parent;
  @Mixin private InputOptions input = new InputOptions();

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "Folder of the tables traces and runs.")
  private String output;

  @Option(
      names = "--output-format",
      paramLabel = "FORMAT",
      description =
          "delta or parquet; openai-batch, alone or after a comma, writes the answers as OpenAI's"
              + " Batch interface does beside the tables. Default: delta.")
  private String outputFormat = "delta";

  @Mixin private EngineCommandOptions engine = new EngineCommandOptions();
  @Mixin private HostOptions host = new HostOptions();
  @Mixin private KvOptions kv = new KvOptions();
  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Option(
      names = "--partitions",
      paramLabel = "N",
      description = "Tasks that generate a wave. Default: as many as keep the engines' slots full.")
  private Integer partitions;

  @Mixin private ResumeOptions resume = new ResumeOptions();

  @Option(
      names = "--max-errors",
      paramLabel = "N|P%%",
      description = "Rows that may fail before the run is stopped. Default: 100%%, any number.")
  private String maxErrors = "100%";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    return parent.launcher().run(arguments());
  }

  /**
   * What the options say, checked.
   *
   * @throws io.tracemill.job.error.JobException at the first that is wrong
   */
  JobArguments arguments() {
    ModelFolder folder = engine.modelFolder(host.modelCache());
    if (partitions != null) {
      Ranges.atLeast("--partitions", partitions, 1);
    }
    try {
      OutputChoice written = OutputChoice.parse(outputFormat);
      KvCompressionPolicy policy = kv.policy();
      GenerationSettings generation =
          sampling.settings(ModelDefaults.of(folder.path()), policy.settings());
      return new JobArguments(
          input.arguments(),
          new OutputTables(output, written.format()),
          written.exports(),
          engine.settings(folder, queryRingDepth(policy)),
          host.settings(),
          generation,
          partitions == null ? 0 : partitions,
          resume.waveRows(),
          resume.rules(),
          ErrorBudget.parse(maxErrors),
          settings(generation));
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }

  /** Rows with a policy of their own may compress where the run does not. */
  private int queryRingDepth(KvCompressionPolicy policy) {
    int depth = policy.needs().queryRingDepth();
    return input.mayChooseKvPolicy()
        ? Math.max(depth, kv.rpcPolicy().needs().queryRingDepth())
        : depth;
  }

  private Map<String, String> settings(GenerationSettings generation) {
    Map<String, String> settings = new TreeMap<>();
    for (OptionSpec option : spec.options()) {
      Object value = option.getValue();
      if (!option.usageHelp() && value != null) {
        settings.put(option.longestName().substring(2), value.toString());
      }
    }
    // What the model decided is in force as well.
    settings.put("temperature", Float.toString(generation.temperature()));
    settings.put("top-k", Integer.toString(generation.topK()));
    settings.put("top-p", Float.toString(generation.topP()));
    settings.put("min-p", Float.toString(generation.minP()));
    settings.put("repetition-penalty", Float.toString(generation.repetitionPenalty()));
    return settings;
  }
}
