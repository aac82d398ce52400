package io.tracemill.engine.text;

import java.util.List;
import java.util.Optional;

/**
 * Texts that end an output when they appear in it, wherever token borders fall. Immutable; each
 * output has a {@link Watcher} of its own.
 */
public final class StopStrings {
  /** No stop strings. */
  public static final StopStrings NONE = new StopStrings(List.of());

  private final List<String> strings;
  private final int longest;

  /** At least one character each; order does not matter. */
  public StopStrings(List<String> strings) {
    for (String string : strings) {
      if (string.isEmpty()) {
        throw TextErrors.emptyStopString();
      }
    }
    this.strings = List.copyOf(strings);
    this.longest = strings.stream().mapToInt(String::length).max().orElse(0);
  }

  public boolean isEmpty() {
    return strings.isEmpty();
  }

  /** Begins to watch one output. */
  public Watcher watch() {
    return new Watcher();
  }

  /**
   * A stop string that appeared.
   *
   * @param stopString which one
   * @param cutAt where it begins in the whole output, in UTF-16 units: the output's text ends there
   */
  public record Match(String stopString, int cutAt) {}

  /** Watches one output; for one thread. */
  public final class Watcher {
    /** The end of what was seen, long enough for a stop string to begin in it. */
    private final StringBuilder tail = new StringBuilder();

    private int charsBeforeTail;

    private Watcher() {}

    /**
     * Takes the next piece of the output.
     *
     * @return the stop string that was complete first, the longest if several end at one place; how
     *     the text is cut into pieces makes no difference
     */
    public Optional<Match> append(String piece) {
      if (strings.isEmpty() || piece.isEmpty()) {
        return Optional.empty();
      }
      int seen = tail.length();
      tail.append(piece);
      Match first = null;
      int firstEnd = Integer.MAX_VALUE;
      for (String string : strings) {
        int at = tail.indexOf(string, Math.max(0, seen - string.length() + 1));
        int end = at + string.length();
        boolean longer =
            first != null && end == firstEnd && string.length() > first.stopString().length();
        if (at >= 0 && (end < firstEnd || longer)) {
          first = new Match(string, charsBeforeTail + at);
          firstEnd = end;
        }
      }
      int surplus = tail.length() - (longest - 1);
      if (surplus > 0) {
        tail.delete(0, surplus);
        charsBeforeTail += surplus;
      }
      return Optional.ofNullable(first);
    }
  }
}
