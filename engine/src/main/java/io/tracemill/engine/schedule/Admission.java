package io.tracemill.engine.schedule;

/**
 * Knows the pages that admitted sequences will need and whether one more fits. The scheduler's
 * clock counts its iterations; a sequence runs its decode step k in iteration {@code origin + k}.
 */
interface Admission {

  /** Whether the sequence fits beside those admitted, were its first step in this iteration. */
  boolean fits(Sequence sequence, long firstStepClock);

  /** Counts the sequence, at its origin. */
  void admit(Sequence sequence);

  /** Counts it no more; its origin is the one it was admitted with. */
  void release(Sequence sequence);

  /**
   * Pages that are held for longer than the sequence lives that wrote them: a prompt's, for the
   * other sequences that share it. Negative to hold fewer.
   */
  void hold(int pages);

  /** The scheduler begins this iteration; iterations never go back. */
  void advance(long clock);

  /** The admission that the options ask for, over a pool of so many pages. */
  static Admission of(SchedulerOptions options, int totalPages) {
    return switch (options.admission()) {
      case LOOKAHEAD, EXPECTED -> new LookaheadAdmission(totalPages, options.maxContextTokens());
      case RESERVE_PEAK -> new PeakAdmission(totalPages);
    };
  }
}
