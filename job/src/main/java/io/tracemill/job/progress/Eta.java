package io.tracemill.job.progress;

import java.time.Duration;
import java.util.Optional;

/**
 * Time to go, as a range.
 *
 * <p>Rows differ widely in length and short ones finish first, so the mean length of finished rows
 * is too low. Taking lengths as exponential, with the running rows known to be longer than what
 * they have, the best estimate of the mean is all tokens so far over the rows finished, with a
 * relative error of one over the root of their number (the censored maximum likelihood estimate).
 *
 * @param soonest end of the range
 * @param latest end of the range
 */
public record Eta(Duration soonest, Duration latest) {
  /** Standard errors to either side: nine times in ten the truth lies within. */
  private static final double WIDTH = 1.645;

  private static final int FEWEST_ROWS = 3;

  /**
   * The range; empty while too few rows are done.
   *
   * @param elapsed since generation began
   * @param rowsDone rows finished
   * @param rows all rows
   */
  public static Optional<Eta> of(Duration elapsed, long rowsDone, long rows) {
    if (rowsDone < FEWEST_ROWS || rows <= 0) {
      return Optional.empty();
    }
    if (rowsDone >= rows) {
      return Optional.of(new Eta(Duration.ZERO, Duration.ZERO));
    }
    // With T tokens at rate T / elapsed, N rows of mean m take N m / rate in all.
    double share = (double) rows / rowsDone;
    double error = WIDTH / Math.sqrt(rowsDone);
    double remaining = share - 1;
    double low = Math.max(remaining * 0.25, share * (1 - error) - 1);
    double high = share * (1 + error) - 1;
    return Optional.of(new Eta(times(elapsed, low), times(elapsed, high)));
  }

  private static Duration times(Duration elapsed, double factor) {
    return Duration.ofMillis(Math.round(elapsed.toMillis() * factor));
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
