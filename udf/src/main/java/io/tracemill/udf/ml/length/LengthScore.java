package io.tracemill.udf.ml.length;

import java.util.Locale;
import java.util.Objects;

/**
 * How well a learner predicted traces that it had not seen.
 *
 * @param learner its name; {@code none} is the same prediction for every prompt
 * @param pinball10 mean pinball loss of the 10 % quantile of the log length
 * @param pinball50 of the median
 * @param pinball90 of the 90 % quantile
 * @param below10 share of lengths at or below their predicted 10 % quantile
 * @param below50 of the median
 * @param below90 of the 90 % quantile
 */
public record LengthScore(
    String learner,
    double pinball10,
    double pinball50,
    double pinball90,
    double below10,
    double below50,
    double below90) {
  public LengthScore {
    Objects.requireNonNull(learner, "learner");
  }

  /** What learners are chosen by: the mean of the three losses. */
  public double loss() {
    return (pinball10 + pinball50 + pinball90) / 3;
  }

  /** One line for people, and the stored form. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s pinball %.4f %.4f %.4f below %.3f %.3f %.3f",
        learner,
        pinball10,
        pinball50,
        pinball90,
        below10,
        below50,
        below90);
  }

  /** Reads the stored form. */
  static LengthScore parse(String line) {
    String[] words = line.split(" ");
    return new LengthScore(
        words[0],
        Double.parseDouble(words[2]),
        Double.parseDouble(words[3]),
        Double.parseDouble(words[4]),
        Double.parseDouble(words[6]),
        Double.parseDouble(words[7]),
        Double.parseDouble(words[8]));
  }

  /**
   * The pinball loss of a quantile. Of a truncated trace all that is known is that it is longer, so
   * a prediction beyond its length is taken as if it were that length (Powell, 1986).
   */
  static double pinball(double predicted, double actual, boolean truncated, double p) {
    double error = actual - (truncated ? Math.min(predicted, actual) : predicted);
    return error >= 0 ? p * error : (p - 1) * error;
  }
}
