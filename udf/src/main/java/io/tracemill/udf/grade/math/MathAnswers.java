package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.AnswerParser.Commas;
import io.tracemill.udf.grade.math.Expr.Num;
import java.util.Optional;

/** Mathematical answers as text: comparison and a canonical form. Never throws on any text. */
public final class MathAnswers {
  private MathAnswers() {}

  /**
   * A verdict and how it was reached.
   *
   * @param equal whether both are the same answer
   * @param rule the rule that went furthest on the way
   */
  public record Match(boolean equal, MatchRule rule) {}

  /**
   * Whether two answers are the same.
   *
   * @param relativeTolerance how far two numbers may be apart relative to the larger one; 0 for
   *     exact comparison
   */
  public static Match compare(String a, String b, double relativeTolerance) {
    if (Normal.squeezed(a).equals(Normal.squeezed(b))) {
      return new Match(true, MatchRule.TEXT);
    }
    Optional<Expr> left = parse(a, Commas.GROUP_THOUSANDS);
    Optional<Expr> right = parse(b, Commas.GROUP_THOUSANDS);
    if (left.isEmpty() || right.isEmpty()) {
      return new Match(ChoiceText.same(a, b), MatchRule.UNREADABLE);
    }
    Match match = compare(left.get(), right.get(), relativeTolerance, a, b);
    if (!match.equal() && mayGroupDigits(a, b, left.get(), right.get())) {
      left = parse(a, Commas.SEPARATE_ITEMS);
      right = parse(b, Commas.SEPARATE_ITEMS);
      if (left.isPresent() && right.isPresent()) {
        return compare(left.get(), right.get(), relativeTolerance, a, b);
      }
    }
    return match;
  }

  /** "100,200" may be one number or two; where the other side has items, it is tried as two. */
  private static boolean mayGroupDigits(String a, String b, Expr left, Expr right) {
    return (left instanceof Num && right instanceof Expr.Seq && a.indexOf(',') >= 0)
        || (right instanceof Num && left instanceof Expr.Seq && b.indexOf(',') >= 0);
  }

  private static Match compare(Expr left, Expr right, double tolerance, String a, String b) {
    ExprComparer comparer = new ExprComparer(Budget.ofOneComparison(), tolerance);
    try {
      boolean equal =
          comparer.same(left, right)
              || ChoiceText.sameLetter(a, b)
              || (hasWords(left) && hasWords(right) && ChoiceText.same(a, b));
      return new Match(equal, comparer.rule());
    } catch (Budget.Exhausted e) {
      return new Match(ChoiceText.same(a, b), MatchRule.GIVEN_UP);
    } catch (UnreadableAnswer | ArithmeticException e) {
      return new Match(ChoiceText.same(a, b), MatchRule.UNREADABLE);
    }
  }

  private static boolean hasWords(Expr expr) {
    return expr instanceof Expr.Word
        || (expr instanceof Expr.Seq seq
            && seq.items().stream().anyMatch(Expr.Word.class::isInstance));
  }

  /**
   * A text that is the same for answers that differ only in how they are written, as far as that
   * can be had without comparing pairs: equal texts mean equal answers, not the other way round.
   */
  public static String normalize(String answer) {
    Optional<Expr> parsed = parse(answer, Commas.GROUP_THOUSANDS);
    return parsed.map(Normal::print).orElseGet(() -> Normal.text(answer));
  }

  /** The answer as a tree, or empty where it is not mathematics. */
  private static Optional<Expr> parse(String answer, Commas commas) {
    try {
      return Optional.of(new AnswerParser(answer, commas).parse());
    } catch (UnreadableAnswer | ArithmeticException e) {
      return Optional.empty();
    }
  }
}
