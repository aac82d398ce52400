package io.tracemill.job.cli;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.job.error.EvalErrors;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.eval.EvalArguments;
import io.tracemill.job.eval.Grid;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputFormat;
import io.tracemill.job.length.LengthModelChoice;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.preflight.Findings;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.GenerationSettings;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Policies and temperatures side by side over problems with answers. */
@Command(
    name = "eval",
    sortOptions = false,
    description =
        "Runs a grid of KV policies and temperatures over problems with answers, as one run, and"
            + " writes the table evaluation: accuracy, lengths, KV rows and differences against"
            + " the full cache. The same command goes on where it was killed.")
final class EvalCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @ParentCommand private TracemillCommand parent;
  @Mixin private InputOptions input = new InputOptions();

  @Option(
      names = "--answer-column",
      paramLabel = "NAME",
      description = "The right answers. Default: answer.")
  private String answerColumn = "answer";

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "Folder of the tables traces, runs and evaluation.")
  private String output;

  @Option(
      names = "--output-format",
      paramLabel = "FORMAT",
      description = "delta or parquet. Default: delta.")
  private String outputFormat = "delta";

  @Option(
      names = "--policy",
      paramLabel = "POLICY",
      description =
          "A policy with its parameters, such as full or \"rpc interval=512 window=128 ratio=4\";"
              + " bars stand between alternatives, as in \"snapkv rows=256|512\". Repeatable;"
              + " docs/policies.md lists them. Differences are against full, so have it in the"
              + " grid.")
  private List<String> policies = new ArrayList<>();

  @Option(
      names = "--grid",
      paramLabel = "FILE",
      description = "A file of policies, one a line, beside those of --policy; # begins a remark.")
  private Path grid;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description =
          "0 is greedy, with one sample whatever --samples says. Repeatable: every policy runs at"
              + " every temperature. Default: 0.")
  private List<Float> temperatures = new ArrayList<>();

  @Mixin private SamplingOptions sampling = new SamplingOptions();

  @Option(
      names = "--one-cell-at-a-time",
      description =
          "Runs the cells one after another, so that tokens per second of each can be told; slower,"
              + " since engines run empty at the end of each.")
  private boolean oneCellAtATime;

  @Option(
      names = "--sum-up-only",
      description =
          "Generates nothing and sums up the rows that are there, as while the evaluation runs.")
  private boolean sumUpOnly;

  @Option(
      names = "--markdown",
      paramLabel = "FILE",
      description = "Where to write the table as Markdown, too.")
  private Path markdown;

  @Mixin private EngineCommandOptions engine = new EngineCommandOptions();
  @Mixin private HostOptions host = new HostOptions();

  @Mixin private WorkOptions work = new WorkOptions();

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    return parent.launcher().evaluate(arguments());
  }

  /**
   * What the options say, checked.
   *
   * @throws io.tracemill.job.error.JobException at the first that is wrong
   */
  EvalArguments arguments() {
    Findings findings = new Findings();
    Optional<EvalArguments> arguments = findings.check(this::checked);
    findings.requireNone();
    return arguments.orElseThrow();
  }

  private EvalArguments checked() {
    work.checkRanges();
    engine.checkRanges();
    ModelFolder folder = engine.modelFolder(host.modelCache());
    SamplingParams modelsOwn = ModelDefaults.of(folder.path());
    List<Float> heats = temperatures.isEmpty() ? List.of(0f) : temperatures;
    heats.forEach(
        heat -> sampling.settings(modelsOwn, Optional.of(heat), KvOptions.FULL)); // Checks it.
    Grid cells = cells(heats);
    // Every row has its own temperature and policy. What the run has in their place decides
    // nothing, and is always the same, so that a grid can grow.
    GenerationSettings generation = sampling.settings(modelsOwn, Optional.of(0f), KvOptions.FULL);
    JobArguments job =
        new JobArguments(
            rows(cells),
            new OutputTables(
                output, Choices.of("--output-format", outputFormat, OutputFormat.class)),
            Set.of(),
            engine.settings(folder, cells.queryRingDepth()),
            host.settings(),
            generation,
            work.partitions(),
            work.resume().waveRows(),
            work.resume().rules(),
            work.errorBudget(),
            LengthModelChoice.NONE,
            settings(generation));
    return new EvalArguments(job, cells, answerColumn, order(), Optional.ofNullable(markdown));
  }

  private EvalArguments.Order order() {
    if (oneCellAtATime && sumUpOnly) {
      throw JobErrors.together("--one-cell-at-a-time", "--sum-up-only");
    }
    return sumUpOnly
        ? EvalArguments.Order.NONE
        : oneCellAtATime ? EvalArguments.Order.ONE_CELL_AT_A_TIME : EvalArguments.Order.MIXED;
  }

  private Grid cells(List<Float> heats) {
    List<String> texts = new ArrayList<>(policies);
    if (grid != null) {
      texts.addAll(Grid.policies(grid));
    }
    if (texts.stream().anyMatch(String::isBlank)) {
      throw JobErrors.outOfRange("--policy", "blank", "a policy such as full");
    }
    return Grid.of(texts, heats, sampling.samples());
  }

  private InputArguments rows(Grid cells) {
    InputArguments rows = input.arguments();
    if (rows.givenFormat().filter(format -> format == InputFormat.OPENAI_BATCH).isPresent()) {
      throw EvalErrors.requests();
    }
    return rows.withVariants(cells.variants());
  }

  private Map<String, String> settings(GenerationSettings generation) {
    Map<String, String> settings = OptionValues.of(spec);
    settings.put("top-k", Integer.toString(generation.topK()));
    settings.put("top-p", Float.toString(generation.topP()));
    settings.put("min-p", Float.toString(generation.minP()));
    settings.put("repetition-penalty", Float.toString(generation.repetitionPenalty()));
    return settings;
  }
}
