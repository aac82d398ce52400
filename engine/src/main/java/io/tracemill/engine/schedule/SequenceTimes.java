package io.tracemill.engine.schedule;

import io.tracemill.engine.api.Timings;

/** When a sequence was submitted, began to read its prompt, and got its tokens. */
final class SequenceTimes {
  private static final double NANOS_PER_MILLI = 1e6;

  private final long submittedNanos;
  private boolean readsPrompt;
  private long prefillNanos;
  private boolean hasToken;
  private long firstTokenNanos;
  private long lastTokenNanos;

  SequenceTimes(long submittedNanos) {
    this.submittedNanos = submittedNanos;
  }

  long submittedNanos() {
    return submittedNanos;
  }

  /** Prompt tokens were fed; the first time counts. */
  void readsPrompt(long nanos) {
    if (!readsPrompt) {
      readsPrompt = true;
      prefillNanos = nanos;
    }
  }

  boolean hasReadPrompt() {
    return readsPrompt;
  }

  void token(long nanos) {
    if (!hasToken) {
      hasToken = true;
      firstTokenNanos = nanos;
    }
    lastTokenNanos = nanos;
  }

  /** What the sequence spent where, were it to end now. */
  Timings until(long nanos) {
    if (!readsPrompt) {
      return new Timings(millis(submittedNanos, nanos), 0, 0);
    }
    double queue = millis(submittedNanos, prefillNanos);
    return hasToken
        ? new Timings(
            queue, millis(prefillNanos, firstTokenNanos), millis(firstTokenNanos, lastTokenNanos))
        : new Timings(queue, millis(prefillNanos, nanos), 0);
  }

  private static double millis(long fromNanos, long toNanos) {
    return (toNanos - fromNanos) / NANOS_PER_MILLI;
  }
}
