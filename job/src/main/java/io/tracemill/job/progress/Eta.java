package io.tracemill.job.progress;

import java.time.Duration;
import java.util.Optional;

/**
 * Time to go, as a range that holds the truth about nine times in ten.
 *
 * <p>Rows differ widely in length and short ones finish first, so the mean length of finished rows
 * is too low. Lengths are taken as exponential, with the running rows known to be longer than what
 * they have: then the mean time of a row is all lane time so far over the rows finished (the
 * censored maximum likelihood estimate, relative error one over the root of their number). With r
 * rows left on L lanes of mean d, full lanes take {@code (r - L) d / L} and the last L rows {@code
 * d (1 + 1/2 + ... + 1/L)}.
 *
 * @param soonest end of the range
 * @param latest end of the range
 */
public record Eta(Duration soonest, Duration latest) {
  private static final double STANDARD_ERRORS = 1.645;
  private static final int FEWEST_ROWS = 3;

  /**
   * The range; empty while too few rows are done.
   *
   * @param elapsed since generation began
   * @param rowsDone rows finished
   * @param rows all rows
   * @param lanes rows that run at once, at least 1
   */
  public static Optional<Eta> of(Duration elapsed, long rowsDone, long rows, int lanes) {
    if (rowsDone < FEWEST_ROWS || rows <= 0) {
      return Optional.empty();
    }
    long left = rows - rowsDone;
    if (left <= 0) {
      return Optional.of(new Eta(Duration.ZERO, Duration.ZERO));
    }
    int draining = (int) Math.min(left, lanes);
    double row = (double) elapsed.toMillis() * lanes / rowsDone;
    double full = (double) (left - draining) / lanes;
    double time = row * (full + harmonic(draining, 1));
    double ofMean = time * time / rowsDone;
    double ofRows = row * row * (full / lanes + harmonic(draining, 2));
    double error = STANDARD_ERRORS * Math.sqrt(ofMean + ofRows);
    return Optional.of(
        new Eta(
            Duration.ofMillis(Math.round(Math.max(0, time - error))),
            Duration.ofMillis(Math.round(time + error))));
  }

  private static double harmonic(int terms, int power) {
    double sum = 0;
    for (int i = 1; i <= terms; i++) {
      sum += 1 / Math.pow(i, power);
    }
    return sum;
  }

  /** Such as {@code 1:10-2:05}. */
  public String label() {
    String from = clock(soonest);
    String to = clock(latest);
    return from.equals(to) ? from : from + "-" + to;
  }

  /** Hours where there are any, minutes and seconds. */
  static String clock(Duration time) {
    return time.toHours() > 0
        ? "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : "%d:%02d".formatted(time.toMinutes(), time.toSecondsPart());
  }
}
