package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Sum;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * Rewrites an expression into sums, products, quotients and whole powers over atoms, which is what
 * polynomial arithmetic takes.
 */
final class Atomizer {
  private static final int MAX_EXPONENT = 64;
  private static final int MAX_ROOT_DEGREE = 6;

  private final Atoms atoms;

  Atomizer(Atoms atoms) {
    this.atoms = atoms;
  }

  Expr rewrite(Expr expr) {
    if (expr instanceof Num) {
      return expr;
    }
    if (expr instanceof Sym symbol) {
      return symbol.name().equals("i")
          ? new Sym(atoms.root(Exprs.number(-1), 2))
          : new Sym(atoms.symbol(symbol.name()));
    }
    if (expr instanceof Sum sum) {
      return Exprs.sum(each(sum.terms()));
    }
    if (expr instanceof Product product) {
      return Exprs.product(each(product.factors()));
    }
    if (expr instanceof Quotient quotient) {
      return Exprs.quotient(rewrite(quotient.numerator()), rewrite(quotient.denominator()));
    }
    if (expr instanceof Power power) {
      return power(power.base(), power.exponent());
    }
    if (expr instanceof Apply apply) {
      return apply(apply);
    }
    if (expr instanceof Quantity quantity && quantity.unit().isValueBearing()) {
      return rewrite(ValueOf.signs(quantity));
    }
    throw new UnreadableAnswer("not an algebraic expression");
  }

  private List<Expr> each(List<Expr> exprs) {
    List<Expr> rewritten = new ArrayList<>();
    for (Expr expr : exprs) {
      rewritten.add(rewrite(expr));
    }
    return rewritten;
  }

  private Expr power(Expr base, Expr exponent) {
    if (exponent instanceof Num number) {
      Rational value = number.value();
      if (value.isSmallInteger() && Math.abs(value.numerator().intValue()) <= MAX_EXPONENT) {
        return wholePower(rewrite(base), value.numerator().intValue());
      }
      if (value.numerator().bitLength() < 8
          && value.denominator().compareTo(BigInteger.valueOf(MAX_ROOT_DEGREE)) <= 0) {
        Expr root = root(base, value.denominator().intValue());
        return wholePower(root, value.numerator().intValue());
      }
      return atom(new Power(base, exponent));
    }
    if (exponent instanceof Sum sum) {
      List<Expr> factors = new ArrayList<>();
      for (Expr term : sum.terms()) {
        factors.add(power(base, term));
      }
      return Exprs.product(factors);
    }
    if (exponent instanceof Product product
        && product.factors().get(0) instanceof Num first
        && first.value().isSmallInteger()
        && Math.abs(first.value().numerator().intValue()) <= MAX_EXPONENT) {
      List<Expr> rest = product.factors().subList(1, product.factors().size());
      Expr unit = atom(new Power(base, Exprs.product(rest)));
      return wholePower(unit, first.value().numerator().intValue());
    }
    return atom(new Power(base, exponent));
  }

  private static Expr wholePower(Expr base, int exponent) {
    if (exponent >= 0) {
      return Exprs.power(base, Exprs.number(exponent));
    }
    return Exprs.quotient(Exprs.number(1), Exprs.power(base, Exprs.number(-exponent)));
  }

  private Expr atom(Expr expr) {
    return new Sym(atoms.opaque(expr));
  }

  private Expr apply(Apply apply) {
    List<Expr> arguments = apply.arguments();
    if (apply.function().equals("sqrt") && arguments.size() == 1) {
      return root(arguments.get(0), 2);
    }
    if (apply.function().equals("root")
        && arguments.size() == 2
        && arguments.get(0) instanceof Num degree
        && degree.value().isSmallInteger()) {
      int value = degree.value().numerator().intValue();
      if (value >= 2 && value <= MAX_ROOT_DEGREE) {
        return root(arguments.get(1), value);
      }
    }
    if (apply.function().equals("exp") && arguments.size() == 1) {
      return power(new Sym("e"), arguments.get(0));
    }
    List<Rational> numbers = new ArrayList<>();
    for (Expr argument : arguments) {
      if (!(rewrite(argument) instanceof Num number)) {
        return atom(apply);
      }
      numbers.add(number.value());
    }
    return WholeFunctions.apply(apply.function(), numbers)
        .<Expr>map(Num::new)
        .orElseGet(() -> atom(apply));
  }

  /** A root with square factors of a number taken out: {@code sqrt(12) = 2 sqrt(3)}. */
  private Expr root(Expr radicand, int degree) {
    Expr inside = rewrite(radicand);
    if (degree == 2 && inside instanceof Num number) {
      Rational value = number.value();
      if (value.signum() < 0) {
        Expr real = root(new Num(value.negate()), 2);
        return Exprs.product(List.of(real, new Sym(atoms.root(Exprs.number(-1), 2))));
      }
      SquareRoots.Split split = SquareRoots.split(value);
      Expr outside = new Num(split.outside());
      if (split.inside().equals(Rational.ONE)) {
        return outside;
      }
      Expr rest = new Sym(atoms.root(new Num(split.inside()), 2));
      return Exprs.product(List.of(outside, rest));
    }
    return new Sym(atoms.root(radicand, degree));
  }
}
