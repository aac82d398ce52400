package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.List;
import java.util.Optional;

/**
 * Compares equations and inequalities, with each other and with bare values: {@code x = 3} with
 * {@code 3}, {@code 2x = y} with {@code y - 2x = 0}, {@code 1 < x <= 2} with {@code (1, 2]}.
 */
final class RelationComparer {
  private final ExprComparer comparer;
  private final Budget budget;

  RelationComparer(ExprComparer comparer, Budget budget) {
    this.comparer = comparer;
    this.budget = budget;
  }

  boolean same(Expr a, Expr b) {
    if (a instanceof Relation x && b instanceof Relation y) {
      return both(x, y);
    }
    Relation relation = a instanceof Relation x ? x : (Relation) b;
    Expr other = a instanceof Relation ? b : a;
    List<Expr> assignments = Conjunctions.assignments(relation);
    if (other instanceof Seq list && list.kind() == Expr.Kind.LIST && !assignments.isEmpty()) {
      return comparer.sameUnordered(assignments, list.items());
    }
    Optional<Expr> value = assigned(relation);
    if (value.isPresent()) {
      return comparer.same(value.get(), other);
    }
    if (relation.isEquation() && isTrueOfNumbers(relation)) {
      return comparer.same(relation.last(), other);
    }
    Optional<Expr> interval = Intervals.of(relation);
    if (interval.isPresent() && isSetLike(other)) {
      return comparer.same(interval.get(), other);
    }
    // "x = 2 or x = 3" against a single equation is a matter of lists.
    return other instanceof Seq seq
        && ExprComparer.isUnordered(seq)
        && comparer.sameUnordered(List.of(relation), seq.items());
  }

  /** {@code 1/8 = 0.125} states its last side. */
  private boolean isTrueOfNumbers(Relation relation) {
    return relation.sides().get(0) instanceof Num
        && comparer.same(relation.sides().get(0), relation.last());
  }

  private static boolean isSetLike(Expr expr) {
    return (expr instanceof Seq seq && (seq.kind().isInterval() || seq.kind() == Expr.Kind.UNION))
        || (expr instanceof Sym symbol && symbol.name().equals("ℝ"));
  }

  private boolean both(Relation a, Relation b) {
    Optional<Expr> x = assigned(a);
    Optional<Expr> y = assigned(b);
    if (x.isPresent() && y.isPresent() && a.sides().get(0).equals(b.sides().get(0))) {
      return comparer.same(x.get(), y.get());
    }
    if (x.isPresent() && y.isPresent() && isGraph(a.sides().get(0)) && isGraph(b.sides().get(0))) {
      return comparer.same(x.get(), y.get());
    }
    if (a.operators().equals(b.operators()) && comparer.sameOrdered(a.sides(), b.sides())) {
      return true;
    }
    Optional<Expr> left = Intervals.of(a);
    Optional<Expr> right = Intervals.of(b);
    if (left.isPresent() && right.isPresent()) {
      return Intervals.variable(a).equals(Intervals.variable(b))
          && comparer.same(left.get(), right.get());
    }
    return a.isEquation()
        && b.isEquation()
        && a.sides().size() == 2
        && b.sides().size() == 2
        && sameEquation(a, b);
  }

  private boolean sameEquation(Relation a, Relation b) {
    try {
      return ExactAlgebra.sameEquation(zeroForm(a), zeroForm(b), budget);
    } catch (UnreadableAnswer | ArithmeticException e) {
      return false;
    }
  }

  private static Expr zeroForm(Relation relation) {
    return Exprs.sum(List.of(relation.sides().get(0), Exprs.negate(relation.last())));
  }

  /** The value of {@code x = 3}, {@code f(x) = x^2}, {@code area = 5} or {@code x ∈ (1, 2)}. */
  private static Optional<Expr> assigned(Relation relation) {
    Expr first = relation.sides().get(0);
    boolean named =
        first instanceof Sym
            || first instanceof Word
            || (first instanceof Apply apply && isOwnFunction(apply))
            || isSegment(first)
            || isDerivative(first)
            || (first instanceof Seq seq && seq.items().stream().allMatch(Sym.class::isInstance));
    boolean member = relation.operators().equals(List.of("∈"));
    return named && (relation.isEquation() || member)
        ? Optional.of(relation.last())
        : Optional.empty();
  }

  private static boolean isOwnFunction(Apply apply) {
    return switch (apply.function()) {
      case "overline", "vec", "overrightarrow", "hat", "f⁻¹", "g⁻¹", "h⁻¹" -> true;
      case "abs" -> isSegment(apply.arguments().get(0));
      default -> apply.function().length() <= 2 && !apply.function().equals("ln");
    };
  }

  /** {@code AB}, as geometry names a length. */
  private static boolean isSegment(Expr expr) {
    return expr instanceof Product product
        && product.factors().stream()
            .allMatch(
                f -> f instanceof Sym symbol && Character.isUpperCase(symbol.name().charAt(0)));
  }

  /** {@code y}, or {@code f(x)}: both name the height of a graph. */
  private static boolean isGraph(Expr expr) {
    return expr.equals(new Sym("y"))
        || (expr instanceof Apply apply
            && apply.function().equals("f")
            && apply.arguments().equals(List.of(new Sym("x"))));
  }

  /** {@code dy/dx}. */
  private static boolean isDerivative(Expr expr) {
    return expr instanceof Quotient quotient
        && quotient.numerator() instanceof Product above
        && quotient.denominator() instanceof Product below
        && above.factors().get(0).equals(new Sym("d"))
        && below.factors().get(0).equals(new Sym("d"));
  }
}
