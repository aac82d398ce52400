package io.tracemill.engine.compress;

/**
 * The rows of one compression, in every layer: rows {@code [0, protectedRows)} stay, {@code
 * candidates} rows follow of which {@code retained} survive in their order, then {@code windowRows}
 * rows that stay.
 *
 * @param protectedRows rows at the start that are never scored (the prompt, or sinks)
 * @param candidates rows that compete, at least 1
 * @param retained candidates that survive, in [0, candidates]
 * @param windowRows newest rows that stay
 */
public record RowPlan(int protectedRows, int candidates, int retained, int windowRows) {
  public RowPlan {
    if (protectedRows < 0
        || candidates < 1
        || retained < 0
        || retained > candidates
        || windowRows < 0) {
      throw new IllegalArgumentException(
          "no plan: protected %d, candidates %d, retained %d, window %d"
              .formatted(protectedRows, candidates, retained, windowRows));
    }
  }

  /** Rows in the cache before the compression. */
  public int rowsBefore() {
    return protectedRows + candidates + windowRows;
  }

  /** Rows in the cache after it. */
  public int rowsAfter() {
    return protectedRows + retained + windowRows;
  }
}
