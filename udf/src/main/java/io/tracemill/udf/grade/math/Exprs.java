package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Sum;
import java.util.ArrayList;
import java.util.List;

/** Makes expressions and folds numbers on the way, so that plain numbers never become trees. */
final class Exprs {
  /** Folded powers stay below this size in bits; larger ones stay symbolic. */
  private static final int MAX_FOLDED_BITS = 8192;

  private Exprs() {}

  static Expr number(long value) {
    return new Num(Rational.of(value));
  }

  static Expr negate(Expr expr) {
    if (expr instanceof Num number) {
      return new Num(number.value().negate());
    }
    if (expr instanceof Quantity quantity) {
      return new Quantity(negate(quantity.magnitude()), quantity.unit());
    }
    return product(List.of(number(-1), expr));
  }

  static Expr sum(List<Expr> terms) {
    if (terms.size() == 1) {
      return terms.get(0);
    }
    if (terms.stream().allMatch(Quantity.class::isInstance)) {
      return sumOfQuantities(terms);
    }
    Rational constant = Rational.ZERO;
    List<Expr> rest = new ArrayList<>();
    for (Expr term : terms) {
      if (term instanceof Num number) {
        constant = constant.plus(number.value());
      } else if (term instanceof Sum inner) {
        rest.addAll(inner.terms());
      } else {
        rest.add(term);
      }
    }
    if (constant.signum() != 0 || rest.isEmpty()) {
      rest.add(new Num(constant));
    }
    return rest.size() == 1 ? rest.get(0) : new Sum(rest);
  }

  private static Expr sumOfQuantities(List<Expr> terms) {
    Quantity first = (Quantity) terms.get(0);
    List<Expr> magnitudes = new ArrayList<>();
    for (Expr term : terms) {
      Quantity quantity = (Quantity) term;
      if (!quantity.unit().sameDimensions(first.unit())
          || quantity.unit().piPower() != first.unit().piPower()) {
        return new Sum(terms);
      }
      Rational factor = quantity.unit().factor().dividedBy(first.unit().factor());
      magnitudes.add(product(List.of(new Num(factor), quantity.magnitude())));
    }
    return new Quantity(sum(magnitudes), first.unit());
  }

  static Expr product(List<Expr> factors) {
    if (factors.size() == 1) {
      return factors.get(0);
    }
    Rational constant = Rational.ONE;
    List<Expr> rest = new ArrayList<>();
    for (Expr factor : factors) {
      if (factor instanceof Num number) {
        constant = constant.times(number.value());
      } else if (factor instanceof Product inner) {
        for (Expr each : inner.factors()) {
          if (each instanceof Num number) {
            constant = constant.times(number.value());
          } else {
            rest.add(each);
          }
        }
      } else {
        rest.add(factor);
      }
    }
    if (constant.signum() == 0) {
      return number(0);
    }
    if (!constant.equals(Rational.ONE) || rest.isEmpty()) {
      rest.add(0, new Num(constant));
    }
    return rest.size() == 1 ? rest.get(0) : new Product(rest);
  }

  static Expr quotient(Expr numerator, Expr denominator) {
    if (denominator instanceof Num below && below.value().signum() != 0) {
      if (numerator instanceof Num above) {
        return new Num(above.value().dividedBy(below.value()));
      }
      return product(List.of(new Num(Rational.ONE.dividedBy(below.value())), numerator));
    }
    return new Quotient(numerator, denominator);
  }

  static Expr power(Expr base, Expr exponent) {
    if (exponent instanceof Num number && number.value().isSmallInteger()) {
      int power = number.value().numerator().intValue();
      if (power == 1) {
        return base;
      }
      if (base instanceof Num value
          && (power >= 0 || value.value().signum() != 0)
          && !(power == 0 && value.value().signum() == 0)
          && (long) value.value().bits() * Math.abs((long) power) <= MAX_FOLDED_BITS) {
        return new Num(value.value().power(power));
      }
    }
    return new Power(base, exponent);
  }
}
