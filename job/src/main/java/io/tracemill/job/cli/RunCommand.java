package io.tracemill.job.cli;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.job.calibrate.CalibrationCheck;
import io.tracemill.job.cli.KvOptions.RowPolicies;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.length.LengthModelChoice;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.preflight.EarlyChecks;
import io.tracemill.job.preflight.Findings;
import io.tracemill.job.preflight.SampleSize;
import io.tracemill.job.run.ErrorBudget;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.job.wave.ResumeRules;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.HostSettings;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
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

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 is greedy. Default: the model's own.")
  private Float temperature;

  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Mixin private WorkOptions work = new WorkOptions();

  @Option(
      names = "--length-model",
      paramLabel = "PATH|auto|none",
      description =
          "A model of trace lengths, made by the command lengths: rows then start longest first and"
              + " estimates are better; results stay the same. Default: auto, the one in --output"
              + " where there is one.")
  private String lengthModel = "auto";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Option(
      names = "--dry-run",
      description = "Checks everything and generates a sample, as preflight does; writes nothing.")
  private boolean dryRun;

  @Override
  public Integer call() {
    return dryRun
        ? parent.launcher().preflight(this, SampleSize.USUAL, OptionalDouble.empty())
        : parent.launcher().run(arguments());
  }

  /**
   * What the options say, checked.
   *
   * @throws io.tracemill.job.error.JobException at the first that is wrong
   */
  JobArguments arguments() {
    Findings findings = new Findings();
    Optional<JobArguments> arguments = arguments(findings);
    findings.requireNone();
    return arguments.orElseThrow();
  }

  /** What the options say; empty where some are wrong, each of which is then a problem. */
  Optional<JobArguments> arguments(Findings findings) {
    Optional<ModelFolder> folder = findings.check(() -> engine.modelFolder(host.modelCache()));
    findings.verify(this::checkPartitions);
    Optional<OutputChoice> written = findings.check(() -> OutputChoice.parse(outputFormat));
    Optional<KvCompressionPolicy> policy = findings.check(kv::policy);
    if (folder.isPresent() && policy.isPresent()) {
      findings.verify(() -> CalibrationCheck.requireSameModel(policy.get(), folder.get()));
    }
    Optional<GenerationSettings> generation =
        findings.check(
            () ->
                sampling.settings(
                    folder
                        .map(found -> ModelDefaults.of(found.path()))
                        .orElse(SamplingParams.greedy(1)),
                    Optional.ofNullable(temperature),
                    policy.map(KvCompressionPolicy::settings).orElse(KvOptions.FULL)));
    Optional<InputArguments> rows = findings.check(input::arguments);
    findings.verify(engine::checkRanges);
    findings.verify(kv::checkRanges);
    Optional<HostSettings> hosts = findings.check(host::settings);
    Optional<Long> waveRows = findings.check(work.resume()::waveRows);
    Optional<ResumeRules> rules = findings.check(work.resume()::rules);
    Optional<ErrorBudget> budget = findings.check(work::errorBudget);
    if (!findings.problems().isEmpty()) {
      return Optional.empty();
    }
    return findings.check(
        () ->
            new JobArguments(
                rows.orElseThrow(),
                new OutputTables(output, written.orElseThrow().format()),
                written.orElseThrow().exports(),
                engine.settings(
                    folder.orElseThrow(),
                    kv.queryRingDepth(
                        policy.orElseThrow(),
                        input.mayChooseKvPolicy() ? RowPolicies.THEIR_OWN : RowPolicies.THE_RUNS)),
                hosts.orElseThrow(),
                generation.orElseThrow(),
                work.partitions(),
                waveRows.orElseThrow(),
                rules.orElseThrow(),
                budget.orElseThrow(),
                LengthModelChoice.parse(lengthModel),
                settings(generation.orElseThrow())));
  }

  /** Input and output, for when other options are wrong. */
  void checkFiles(Findings findings) {
    findings
        .check(input::arguments)
        .ifPresent(rows -> findings.verify(() -> EarlyChecks.input(rows)));
    findings
        .check(() -> OutputChoice.parse(outputFormat))
        .ifPresent(
            choice ->
                findings.verify(
                    () -> EarlyChecks.output(new OutputTables(output, choice.format()))));
  }

  private void checkPartitions() {
    work.checkRanges();
  }

  private Map<String, String> settings(GenerationSettings generation) {
    Map<String, String> settings = OptionValues.of(spec);
    settings.remove("dry-run");
    // What the model decided is in force as well.
    settings.put("temperature", Float.toString(generation.temperature()));
    settings.put("top-k", Integer.toString(generation.topK()));
    settings.put("top-p", Float.toString(generation.topP()));
    settings.put("min-p", Float.toString(generation.minP()));
    settings.put("repetition-penalty", Float.toString(generation.repetitionPenalty()));
    return settings;
  }
}
