package io.tracemill.job.output;

import java.util.Objects;

/**
 * Rows of a run that are generated together and committed at once.
 *
 * @param number from 1, in the order in which waves begin
 * @param rows result rows that it must hold
 * @param content what they do to rows that are there
 */
public record Wave(int number, long rows, Content content) {
  /** What the rows of a wave do to rows of earlier runs. */
  public enum Content {
    /** No row of the table has their keys and samples. */
    NEW_ROWS,
    /** Every one takes the place of a row, where one is there. */
    REPLACEMENTS
  }

  public Wave {
    Objects.requireNonNull(content, "content");
    if (number < 1 || rows < 1) {
      throw new IllegalArgumentException("wave %d of %d rows".formatted(number, rows));
    }
  }
}
