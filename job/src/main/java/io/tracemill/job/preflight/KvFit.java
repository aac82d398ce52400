package io.tracemill.job.preflight;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.Map;

/**
 * How many sequences of one length a KV cache holds.
 *
 * @param atPeak when all hold the most rows of their lives at once
 * @param spread when each is somewhere else in its life, as in a long run: the pages over the mean
 *     number of pages of a sequence
 */
record KvFit(int atPeak, int spread) {
  /** A sequence's last page is half full on average. */
  private static final double MEAN_WASTE_ROWS = KvLayout.PAGE_SIZE_TOKENS / 2.0;

  /**
   * The fit of sequences with prompts of {@code promptTokens} that generate {@code outputTokens}.
   *
   * @param pages of the cache
   * @param outputTokens at least 1
   */
  static KvFit of(KvPolicySettings policy, int pages, int promptTokens, int outputTokens) {
    CompressionSchedule schedule = KvPolicies.create(policy).schedule();
    int peak = KvLayout.pagesFor(schedule.peakRows(promptTokens, outputTokens));
    double meanRows =
        (double) schedule.attendedRowsTotal(promptTokens, outputTokens) / outputTokens;
    double meanPages = (meanRows + MEAN_WASTE_ROWS) / KvLayout.PAGE_SIZE_TOKENS;
    int atPeak = pages / Math.max(1, peak);
    return new KvFit(atPeak, Math.max(atPeak, (int) (pages / meanPages)));
  }

  /** The policy that keeps every row. */
  static KvPolicySettings full() {
    return new KvPolicySettings("full", 0, 0, 0, "", Map.of());
  }
}
