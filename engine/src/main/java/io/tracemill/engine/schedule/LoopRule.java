package io.tracemill.engine.schedule;

/**
 * When an output counts as an endless repetition: its tail repeats one passage, token by token,
 * often enough and over enough tokens that no table or list of a real answer does.
 *
 * @param minRepeats repetitions of the passage, at least 2
 * @param minTokens length of the repeating tail
 * @param maxPeriodTokens longest passage that is looked for
 * @param checkEveryTokens tokens between two checks
 */
public record LoopRule(int minRepeats, int minTokens, int maxPeriodTokens, int checkEveryTokens) {
  /**
   * Eight repetitions over at least 1,024 tokens: a printed 20 by 20 matrix of zeros stays below
   * it, and a loop costs a thirtieth of a 32K budget before it is cut.
   */
  public static final LoopRule DEFAULT = new LoopRule(8, 1024, 512, 64);

  public LoopRule {
    if (minRepeats < 2 || minTokens < 2 || maxPeriodTokens < 1 || checkEveryTokens < 1) {
      throw new IllegalArgumentException(
          "no rule: %d repeats, %d tokens, period %d, every %d"
              .formatted(minRepeats, minTokens, maxPeriodTokens, checkEveryTokens));
    }
  }

  /** Longest tail that has to be looked at. */
  int maxSpanTokens() {
    return Math.max(minTokens, Math.multiplyExact(minRepeats, maxPeriodTokens));
  }
}
