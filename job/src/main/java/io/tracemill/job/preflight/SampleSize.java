package io.tracemill.job.preflight;

import io.tracemill.job.error.JobErrors;
import java.time.Duration;

/**
 * How much a preflight generates to measure speed and lengths.
 *
 * @param rows most rows; 0 for as many as an engine has slots, at most 32
 * @param time most time; rows that run longer count with what they have
 */
public record SampleSize(int rows, Duration time) {
  private static final int USUAL_MOST_ROWS = 32;

  /** A minute, and as many rows as fill an engine of the usual size. */
  public static final SampleSize USUAL = new SampleSize(0, Duration.ofSeconds(60));

  public SampleSize {
    if (rows < 0) {
      throw JobErrors.outOfRange("--sample-rows", rows, "1 or more");
    }
    if (time.isNegative() || time.isZero()) {
      throw JobErrors.outOfRange("--sample-seconds", time.toSeconds(), "1 or more");
    }
  }

  /** The rows to generate on an engine of so many slots. */
  int rowsFor(int slots) {
    return rows > 0 ? rows : Math.min(slots, USUAL_MOST_ROWS);
  }
}
