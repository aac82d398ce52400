package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.PlusMinus;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sum;
import java.util.List;

/** Writes an item with plus-minus signs as two items; all signs of an item turn together. */
final class PlusMinusExpander {
  private PlusMinusExpander() {}

  /** The item itself, or its two readings. */
  static List<Expr> expand(Expr item) {
    Expr plus = choose(item, 1);
    Expr minus = choose(item, -1);
    return plus.equals(minus) ? List.of(plus) : List.of(plus, minus);
  }

  private static Expr choose(Expr expr, int sign) {
    if (expr instanceof PlusMinus choice) {
      Expr inner = choose(choice.inner(), sign);
      return choice.sign() * sign > 0 ? inner : Exprs.negate(inner);
    }
    if (expr instanceof Sum sum) {
      return Exprs.sum(each(sum.terms(), sign));
    }
    if (expr instanceof Product product) {
      return Exprs.product(each(product.factors(), sign));
    }
    if (expr instanceof Quotient quotient) {
      return Exprs.quotient(
          choose(quotient.numerator(), sign), choose(quotient.denominator(), sign));
    }
    if (expr instanceof Power power) {
      return Exprs.power(choose(power.base(), sign), choose(power.exponent(), sign));
    }
    if (expr instanceof Apply apply) {
      return new Apply(apply.function(), each(apply.arguments(), sign));
    }
    if (expr instanceof Quantity quantity) {
      return new Quantity(choose(quantity.magnitude(), sign), quantity.unit());
    }
    if (expr instanceof Relation relation) {
      return new Relation(each(relation.sides(), sign), relation.operators());
    }
    if (expr instanceof Seq seq && seq.kind() == Expr.Kind.SET) {
      // "{±2}" holds both readings, so they are spread inside the braces.
      List<Expr> both = seq.items().stream().flatMap(each -> expand(each).stream()).toList();
      return new Seq(seq.kind(), both);
    }
    if (expr instanceof Seq seq) {
      return new Seq(seq.kind(), each(seq.items(), sign));
    }
    return expr;
  }

  private static List<Expr> each(List<Expr> exprs, int sign) {
    return exprs.stream().map(expr -> choose(expr, sign)).toList();
  }
}
