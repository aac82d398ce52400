package io.tracemill.job.replay;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Two lists of token ids side by side.
 *
 * @param recorded what the table holds
 * @param replayed what was generated now
 */
record TokenComparison(List<Integer> recorded, List<Integer> replayed) {
  TokenComparison {
    recorded = List.copyOf(recorded);
    replayed = List.copyOf(replayed);
  }

  /** Index of the first token that differs, or of the first that only one side has. */
  OptionalInt firstDifference() {
    int both = Math.min(recorded.size(), replayed.size());
    for (int i = 0; i < both; i++) {
      if (!recorded.get(i).equals(replayed.get(i))) {
        return OptionalInt.of(i);
      }
    }
    return recorded.size() == replayed.size() ? OptionalInt.empty() : OptionalInt.of(both);
  }

  /** The token at an index; empty behind the end. */
  static Optional<Integer> at(List<Integer> tokens, int index) {
    return index < tokens.size() ? Optional.of(tokens.get(index)) : Optional.empty();
  }

  /** Tokens from {@code around} before an index to as many behind it. */
  static List<Integer> context(List<Integer> tokens, int index, int around) {
    return tokens.subList(
        Math.min(tokens.size(), Math.max(0, index - around)),
        Math.min(tokens.size(), index + around + 1));
  }
}
