package io.tracemill.job.preflight;

import io.tracemill.job.error.Counted;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.length.OpenLengthModel;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.ClusterShape;
import io.tracemill.job.wave.RowPlan;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** The sections of a preflight as a person reads them. */
final class PreflightReport {
  private static final int PROMPT_CHARACTERS = 4_000;
  private static final int NAMED_ROWS = 5;

  private final Console console;

  PreflightReport(Console console) {
    this.console = console;
  }

  void line(String line) {
    console.print(line);
  }

  private void say(String form, Object... values) {
    console.print(String.format(Locale.ROOT, form, values));
  }

  void output(String sentence) {
    say("Output: %s", sentence);
  }

  void input(String path, InputTable input) {
    say("Input: %s of %s (%s)", Counted.of(input.numRows(), "row"), path, label(input));
  }

  /** What predicts lengths. */
  void lengthModel(OpenLengthModel lengths) {
    say("Length model: %s (%s)", lengths.path(), lengths.learner());
  }

  /** What a run would skip and what it would generate. */
  void due(RowPlan.Counts counts) {
    String skipped =
        counts.kept() == 0
            ? ""
            : String.format(
                Locale.ROOT,
                ", %,d are in the output already and would be skipped (%,d of them failed)",
                counts.kept(),
                counts.keptFailed());
    String replaced =
        counts.replaced() == 0
            ? ""
            : String.format(Locale.ROOT, ", %,d would be generated anew", counts.replaced());
    say("Results: %,d asked for%s%s, %,d due", counts.asked(), skipped, replaced, counts.due());
  }

  private static String label(InputTable input) {
    return input.format().label();
  }

  /** The first prompt, the histogram, and rows that do not fit the context. */
  void prompts(PromptSample sample, int contextTokens, Findings findings) {
    if (!sample.rows().isEmpty()) {
      PromptSample.Tokenised first = sample.rows().get(0);
      say("First prompt as the model gets it (row %s, %,d tokens):", first.key(), first.tokens());
      shortened(first.prompt().text()).lines().forEach(line -> console.print("  | " + line));
      TokenHistogram histogram =
          new TokenHistogram(
              sample.rows().stream().mapToInt(PromptSample.Tokenised::tokens).toArray());
      say("Prompt tokens of %s: %s", Counted.of(sample.rows().size(), "row"), histogram.summary());
      histogram.lines().forEach(console::print);
    }
    say("Context: %,d tokens", contextTokens);
    List<PromptSample.Tokenised> beyond = sample.beyond(contextTokens);
    if (!beyond.isEmpty()) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "%,d of %,d prompts exceed the context of %,d tokens and would become rows with an"
                  + " error: %s.",
              beyond.size(),
              sample.size(),
              contextTokens,
              named(
                  beyond.stream()
                      .map(row -> "%s (%d)".formatted(row.key(), row.tokens()))
                      .toList())));
    }
    long cut = sample.cutByContext(contextTokens);
    if (cut > 0) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "The context of %,d tokens may end the output of %,d of %,d rows before"
                  + " --max-new-tokens does.",
              contextTokens,
              cut,
              sample.size()));
    }
    if (!sample.refused().isEmpty()) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "%,d of %,d rows cannot be asked and would become rows with an error, such as %s: %s",
              sample.refused().size(),
              sample.size(),
              sample.refused().get(0).key(),
              sample.refused().get(0).reason()));
    }
  }

  private static String named(List<String> rows) {
    return rows.stream().limit(NAMED_ROWS).collect(Collectors.joining(", "))
        + (rows.size() > NAMED_ROWS ? ", ..." : "");
  }

  private static String shortened(String text) {
    return text.length() <= PROMPT_CHARACTERS
        ? text
        : text.substring(0, PROMPT_CHARACTERS)
            + String.format(
                Locale.ROOT, "%n... and %,d characters more", text.length() - PROMPT_CHARACTERS);
  }

  /** Backend, device and memory. */
  void engine(Measured measured, EngineFacts facts, ClusterShape cluster) {
    say(
        "Engine: %s on %s%s, weights %s, %,d slots, opened in %.1f s%s",
        facts.backend(),
        facts.device(),
        facts.uuid().map(uuid -> " " + uuid).orElse(""),
        facts.weightElement(),
        facts.slots(),
        measured.openSeconds(),
        cluster.isLocal()
            ? ""
            : " by executor %s of %d on %s"
                .formatted(measured.executorId(), cluster.engines(), measured.host()));
    say(
        "Memory: %s",
        facts.memory().entrySet().stream()
            .map(entry -> entry.getKey() + " " + megabytes(entry.getValue()))
            .collect(Collectors.joining(", ")));
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%,.1f MB", bytes / 1e6);
  }

  /** What was generated. */
  void sample(Measured measured, Findings findings) {
    List<Measured.Finished> rows = measured.generated();
    say(
        "Sample: %s finished, %,d failed, %,d still running after %.1f s; %,d tokens, %,.0f"
            + " tokens/s, %s at once%s",
        Counted.of(rows.size(), "row"),
        measured.failed().size(),
        measured.unfinished(),
        measured.seconds(),
        measured.generatedTokens(),
        measured.meanTokensPerSecond(),
        Counted.of(measured.lanes(), "row"),
        measured.fullTokensPerSecond() > 0
            ? String.format(
                Locale.ROOT, ", %,.0f tokens/s while full", measured.fullTokensPerSecond())
            : "");
    long truncated = rows.stream().filter(row -> !row.reason().startsWith("stop")).count();
    if (truncated > 0) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "%,d of the %,d sampled rows did not end by themselves (%s); their answers would be"
                  + " missing.",
              truncated,
              rows.size(),
              rows.stream()
                  .filter(row -> !row.reason().startsWith("stop"))
                  .map(Measured.Finished::reason)
                  .distinct()
                  .sorted()
                  .collect(Collectors.joining(", "))));
    }
    if (!measured.failed().isEmpty() && !rows.isEmpty()) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "%,d of the %,d sampled rows failed, such as %s: %s",
              measured.failed().size(),
              measured.rows().size(),
              measured.failed().get(0).key(),
              measured.failed().get(0).error()));
    }
    boolean isSlowCpu =
        measured.engine().map(EngineFacts::backend).orElse("").equals("cpu")
            && !measured.vectorModule();
    if (isSlowCpu) {
      findings.warning(
          "The CPU backend runs without the Vector API and is many times slower; add"
              + " spark.executor.extraJavaOptions=--add-modules=jdk.incubator.vector (for a local"
              + " master spark.driver.extraJavaOptions).");
    }
  }

  /** Time and cost. */
  void estimate(Optional<Estimate> estimate, Estimate.Plan plan, OptionalDouble pricePerHour) {
    if (estimate.isEmpty()) {
      say("Estimate: none, as the sample generated nothing.");
      return;
    }
    Estimate range = estimate.get();
    say(
        "Estimate for %s on %s: %s tokens at %s tokens/s: %s; %s",
        Counted.of(plan.rows(), "row"),
        Counted.of(plan.engines(), "engine"),
        span(range.fewestTokens(), range.mostTokens()),
        span(range.slowest(), range.fastest()),
        range.time(),
        range.cost(plan.engines(), pricePerHour));
  }

  private static String span(double least, double most) {
    return String.format(Locale.ROOT, "%,.0f to %,.0f", least, most);
  }
}
