package io.tracemill.job.preflight;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.job.error.ClusterErrors;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.udf.GenerationSettings;
import java.util.Arrays;
import java.util.Locale;

/**
 * How many sequences of this run an engine's KV cache holds, under the run's policy and with a full
 * cache.
 */
final class FitReport {
  private final GenerationSettings generation;
  private final EngineFacts facts;
  private final int promptTokens;
  private final int budget;
  private final int expected;

  /**
   * Of a sample.
   *
   * @param sample prompts; their median counts
   * @param measured outputs; their mean is what is expected
   */
  FitReport(
      GenerationSettings generation, PromptSample sample, Measured measured, EngineFacts facts) {
    this.generation = generation;
    this.facts = facts;
    int[] prompts = sample.rows().stream().mapToInt(PromptSample.Tokenised::tokens).toArray();
    Arrays.sort(prompts);
    this.promptTokens = Math.min(prompts[prompts.length / 2], facts.contextTokens() - 1);
    this.budget =
        Math.max(1, Math.min(generation.maxNewTokens(), facts.contextTokens() - promptTokens));
    int finished = measured.generated().size();
    this.expected =
        finished == 0
            ? budget
            : (int) Math.max(1, Math.min(budget, measured.generatedTokens() / finished));
  }

  /** Prints the table; gives how many rows an engine will run at once. */
  int print(PreflightReport report, Findings findings) {
    KvPolicySettings policy = generation.kvPolicy();
    KvFit usual = fit(policy, expected);
    KvFit whole = fit(policy, budget);
    report.line(
        String.format(
            Locale.ROOT,
            "KV cache: %,d rows in %,d pages; sequences with prompts of %,d tokens that fit at once"
                + " (all at their peak, and spread over their lives):",
            facts.kvRows(),
            facts.kvPages(),
            promptTokens));
    SummaryTable table =
        new SummaryTable()
            .row("output", policy.name(), "", "full", "")
            .row(cells("expected", expected, usual, fit(KvFit.full(), expected)))
            .row(cells("whole budget", budget, whole, fit(KvFit.full(), budget)));
    table.lines().forEach(report::line);
    if (whole.atPeak() == 0) {
      findings.problem(ClusterErrors.cacheTooSmall(promptTokens, budget, facts.kvRows()));
    } else if (usual.spread() < facts.slots()) {
      findings.warning(
          String.format(
              Locale.ROOT,
              "--slots is %,d, but the KV cache holds about %,d sequences of the expected length;"
                  + " raise --kv-memory-fraction or --kv-memory, or compress more.",
              facts.slots(),
              usual.spread()));
    }
    return Math.max(1, Math.min(facts.slots(), usual.spread()));
  }

  private KvFit fit(KvPolicySettings policy, int outputTokens) {
    return KvFit.of(policy, facts.kvPages(), promptTokens, outputTokens);
  }

  private static String[] cells(String what, int tokens, KvFit policy, KvFit full) {
    return new String[] {
      String.format(Locale.ROOT, "%s, %,d tokens", what, tokens),
      number(policy.atPeak()),
      number(policy.spread()),
      number(full.atPeak()),
      number(full.spread())
    };
  }

  private static String number(int value) {
    return String.format(Locale.ROOT, "%,d", value);
  }
}
