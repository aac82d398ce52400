package io.tracemill.udf.grade;

import io.tracemill.udf.grade.math.MathAnswers;
import java.util.Objects;

/**
 * Whether two final answers are the same. Numbers compare exactly in whatever form they come;
 * algebra compares as algebra; a unit, a name before an equals sign or a percent sign that only one
 * side has is taken as understood; everything else compares as text without case and punctuation.
 */
public final class Answers {
  private Answers() {}

  /**
   * A verdict and the rule that decided it.
   *
   * @param equal whether the answers are the same
   * @param rule one of number, text, structure, unit, algebra, numeric, tolerance, unreadable,
   *     given_up
   */
  public record Comparison(boolean equal, String rule) {
    public Comparison {
      Objects.requireNonNull(rule, "rule");
    }
  }

  /** Whether two answers are the same. */
  public static boolean equal(String a, String b) {
    return MathAnswers.compare(a, b, 0).equal();
  }

  /**
   * Whether two answers are the same, or two numbers that differ by at most {@code
   * relativeTolerance} of the larger one. A tolerance that is no positive number counts as 0.
   */
  public static boolean close(String a, String b, double relativeTolerance) {
    double tolerance = relativeTolerance > 0 ? relativeTolerance : 0;
    return MathAnswers.compare(a, b, tolerance).equal();
  }

  /** The verdict with the rule that decided it. */
  public static Comparison compare(String a, String b) {
    MathAnswers.Match match = MathAnswers.compare(a, b, 0);
    return new Comparison(match.equal(), match.rule().label());
  }

  /**
   * A key under which answers can be grouped: equal keys mean equal answers. Different keys do not
   * mean different answers; {@link #equal} decides.
   */
  public static String normalize(String answer) {
    return MathAnswers.normalize(answer);
  }
}
