package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Sum;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.List;
import java.util.Set;

/** The variables of an expression. */
final class Symbols {
  private Symbols() {}

  /** Adds the variables of an expression to {@code into}; true where it holds the imaginary i. */
  static boolean collect(Expr expr, Set<String> into) {
    if (expr instanceof Sym symbol) {
      String name = symbol.name();
      if (!name.equals("π") && !name.equals("e") && !name.equals("i")) {
        into.add(name);
      }
      return name.equals("i");
    }
    if (expr instanceof Sum sum) {
      return collect(sum.terms(), into);
    }
    if (expr instanceof Product product) {
      return collect(product.factors(), into);
    }
    if (expr instanceof Quotient quotient) {
      return collect(quotient.numerator(), into) | collect(quotient.denominator(), into);
    }
    if (expr instanceof Power power) {
      return collect(power.base(), into) | collect(power.exponent(), into);
    }
    if (expr instanceof Apply apply) {
      return collect(apply.arguments(), into);
    }
    if (expr instanceof Quantity quantity) {
      return collect(quantity.magnitude(), into);
    }
    return false;
  }

  private static boolean collect(List<Expr> exprs, Set<String> into) {
    boolean imaginary = false;
    for (Expr expr : exprs) {
      imaginary |= collect(expr, into);
    }
    return imaginary;
  }
}
