package io.tracemill.engine.schedule;

/**
 * Finds outputs whose tail is periodic. The tail, read backwards, is a string whose prefixes' least
 * periods are given by the failure function of Knuth, Morris and Pratt (SIAM J. Comput. 6, 1977);
 * one pass of the longest span therefore tests all periods and all lengths at once.
 *
 * <p>Its verdict depends on the output alone. One detector serves all sequences of an engine; it is
 * not for several threads.
 */
final class LoopDetector {
  private final LoopRule rule;
  private final int[] failure;

  LoopDetector(LoopRule rule) {
    this.rule = rule;
    this.failure = new int[rule.maxSpanTokens()];
  }

  /** Whether a check falls on an output of this length and finds a loop. */
  boolean loops(int[] tokens, int count) {
    if (count < rule.minTokens() || count % rule.checkEveryTokens() != 0) {
      return false;
    }
    int last = count - 1;
    int span = Math.min(count, failure.length);
    int border = 0;
    failure[0] = 0;
    for (int i = 1; i < span; i++) {
      int token = tokens[last - i];
      while (border > 0 && token != tokens[last - border]) {
        border = failure[border - 1];
      }
      if (token == tokens[last - border]) {
        border++;
      }
      failure[i] = border;
      int length = i + 1;
      int period = length - border;
      if (length >= rule.minTokens()
          && period <= rule.maxPeriodTokens()
          && (long) period * rule.minRepeats() <= length) {
        return true;
      }
    }
    return false;
  }
}
