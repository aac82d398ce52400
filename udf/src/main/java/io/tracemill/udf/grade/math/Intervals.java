package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.List;
import java.util.Optional;

/** Inequalities in one variable as intervals. */
final class Intervals {
  private static final Expr INFINITY = new Sym("∞");
  private static final Expr MINUS_INFINITY = Exprs.negate(INFINITY);

  private Intervals() {}

  static Expr allNumbers() {
    return new Seq(Kind.OPEN, List.of(MINUS_INFINITY, INFINITY));
  }

  /** The interval of {@code x > 1}, {@code 1 <= x}, {@code 1 < x <= 2} or {@code x ≠ 0}. */
  static Optional<Expr> of(Relation relation) {
    Optional<String> variable = variable(relation);
    if (variable.isEmpty()) {
      return Optional.empty();
    }
    List<Expr> sides = relation.sides();
    List<String> operators = relation.operators();
    if (sides.size() == 2) {
      boolean variableFirst = isVariable(sides.get(0), variable.get());
      Expr bound = variableFirst ? sides.get(1) : sides.get(0);
      String operator = variableFirst ? operators.get(0) : mirrored(operators.get(0));
      return switch (operator) {
        case "<" -> interval(MINUS_INFINITY, bound, false, false);
        case "≤" -> interval(MINUS_INFINITY, bound, false, true);
        case ">" -> interval(bound, INFINITY, false, false);
        case "≥" -> interval(bound, INFINITY, true, false);
        case "≠" ->
            Optional.of(
                new Seq(
                    Kind.UNION,
                    List.of(
                        new Seq(Kind.OPEN, List.of(MINUS_INFINITY, bound)),
                        new Seq(Kind.OPEN, List.of(bound, INFINITY)))));
        default -> Optional.empty();
      };
    }
    String first = operators.get(0);
    String second = operators.get(1);
    if (isLess(first) && isLess(second)) {
      return interval(sides.get(0), sides.get(2), first.equals("≤"), second.equals("≤"));
    }
    if (isLess(mirrored(first)) && isLess(mirrored(second))) {
      return interval(sides.get(2), sides.get(0), second.equals("≥"), first.equals("≥"));
    }
    return Optional.empty();
  }

  /** The one variable that stands alone between or beside bounds. */
  static Optional<String> variable(Relation relation) {
    List<Expr> sides = relation.sides();
    if (sides.size() == 3 && sides.get(1) instanceof Sym symbol) {
      return Optional.of(symbol.name());
    }
    if (sides.size() == 2) {
      if (sides.get(0) instanceof Sym symbol && !symbol.name().equals("∞")) {
        return Optional.of(symbol.name());
      }
      if (sides.get(1) instanceof Sym symbol && !symbol.name().equals("∞")) {
        return Optional.of(symbol.name());
      }
    }
    return Optional.empty();
  }

  private static boolean isVariable(Expr expr, String name) {
    return expr instanceof Sym symbol && symbol.name().equals(name);
  }

  private static boolean isLess(String operator) {
    return operator.equals("<") || operator.equals("≤");
  }

  private static String mirrored(String operator) {
    return switch (operator) {
      case "<" -> ">";
      case ">" -> "<";
      case "≤" -> "≥";
      case "≥" -> "≤";
      default -> operator;
    };
  }

  private static Optional<Expr> interval(Expr low, Expr high, boolean lowIn, boolean highIn) {
    Kind kind =
        lowIn ? (highIn ? Kind.CLOSED : Kind.CLOSED_OPEN) : (highIn ? Kind.OPEN_CLOSED : Kind.OPEN);
    return Optional.of(new Seq(kind, List.of(low, high)));
  }
}
