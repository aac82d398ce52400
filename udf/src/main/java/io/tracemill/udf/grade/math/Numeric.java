package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Sum;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The value of an expression at one point, at more than 50 digits, on principal branches but for
 * odd roots of negative numbers, which are real.
 */
final class Numeric {
  private static final BigDecimal MAX_EXPONENT = BigDecimal.valueOf(100_000);
  private static final BigDecimal MAX_ANGLE = BigDecimal.valueOf(1_000_000_000L);
  private static final BigDecimal MAX_FACTORIAL = BigDecimal.valueOf(400);
  private static final long MAX_WHOLE_EXPONENT = 1_000_000_000L;

  /** A step costs about as much as so many products of terms. */
  private static final int WORK_UNITS = 100;

  private final Map<String, BigComplex> point;
  private final Budget budget;

  Numeric(Map<String, BigComplex> point, Budget budget) {
    this.point = point;
    this.budget = budget;
  }

  /**
   * The value; throws {@link ArithmeticException} where there is none, {@link UnreadableAnswer}
   * where it is out of reach.
   */
  BigComplex value(Expr expr) {
    budget.spend(WORK_UNITS);
    if (expr instanceof Num number) {
      return BigComplex.of(number.value());
    }
    if (expr instanceof Sym symbol) {
      return symbol(symbol.name());
    }
    if (expr instanceof Sum sum) {
      BigComplex total = BigComplex.ZERO;
      for (Expr term : sum.terms()) {
        total = total.plus(value(term));
      }
      return total;
    }
    if (expr instanceof Product product) {
      BigComplex total = BigComplex.ONE;
      for (Expr factor : product.factors()) {
        total = total.times(value(factor));
      }
      return total;
    }
    if (expr instanceof Quotient quotient) {
      return value(quotient.numerator()).dividedBy(value(quotient.denominator()));
    }
    if (expr instanceof Power power) {
      return power(power.base(), power.exponent());
    }
    if (expr instanceof Apply apply) {
      return apply(apply);
    }
    if (expr instanceof Quantity quantity && quantity.unit().isValueBearing()) {
      return value(ValueOf.signs(quantity));
    }
    throw new UnreadableAnswer("no value");
  }

  private BigComplex symbol(String name) {
    return switch (name) {
      case "π" -> BigComplex.PI;
      case "e" -> BigComplex.E;
      case "i" -> BigComplex.I;
      default -> {
        BigComplex value = point.get(name);
        if (value == null) {
          throw new UnreadableAnswer("no value of " + name);
        }
        yield value;
      }
    };
  }

  private static void bounded(BigComplex value, BigDecimal limit) {
    if (value.size().compareTo(limit) > 0) {
      throw new UnreadableAnswer("an argument out of reach");
    }
  }

  private BigComplex power(Expr base, Expr exponent) {
    BigComplex below = value(base);
    if (exponent instanceof Num number) {
      Rational value = number.value();
      if (value.isInteger() && value.numerator().bitLength() < 31) {
        return wholePower(below, value.numerator().longValue());
      }
      if (value.denominator().testBit(0)
          && value.denominator().bitLength() < 16
          && value.numerator().bitLength() < 16) {
        BigComplex root = root(below, value.denominator().longValue());
        return wholePower(root, value.numerator().longValue());
      }
    }
    BigComplex above = value(exponent);
    if (above.isReal()
        && above.real().abs().compareTo(MAX_EXPONENT) <= 0
        && isWhole(above.real())) {
      return wholePower(below, above.real().longValue());
    }
    if (below.isZero()) {
      throw new ArithmeticException("a power of zero");
    }
    BigComplex logarithm = below.ln().times(above);
    bounded(logarithm, MAX_EXPONENT);
    return logarithm.exp();
  }

  private static boolean isWhole(BigDecimal value) {
    return value.scale() <= 0 || value.setScale(0, RoundingMode.HALF_EVEN).compareTo(value) == 0;
  }

  private static BigComplex wholePower(BigComplex base, long exponent) {
    if (Math.abs(exponent) > MAX_WHOLE_EXPONENT) {
      throw new UnreadableAnswer("an exponent out of reach");
    }
    return base.power(exponent);
  }

  private static BigComplex root(BigComplex radicand, long degree) {
    if (degree <= 0 || degree > 1_000) {
      throw new UnreadableAnswer("a root of degree " + degree);
    }
    if (radicand.isZero()) {
      return BigComplex.ZERO;
    }
    if (degree == 2) {
      return radicand.sqrt();
    }
    boolean negative = degree % 2 == 1 && radicand.isReal() && radicand.real().signum() < 0;
    BigComplex inside = negative ? BigComplex.of(radicand.real().negate()) : radicand;
    BigComplex root = inside.ln().dividedBy(BigComplex.of(BigDecimal.valueOf(degree))).exp();
    return negative ? root.negate() : root;
  }

  private BigComplex apply(Apply apply) {
    List<BigComplex> values = new ArrayList<>();
    for (Expr argument : apply.arguments()) {
      values.add(value(argument));
    }
    if (values.isEmpty()) {
      throw new UnreadableAnswer(apply.function() + " without arguments");
    }
    BigComplex x = values.get(0);
    if (values.size() == 2) {
      return two(apply.function(), x, values.get(1));
    }
    if (values.size() != 1) {
      throw new UnreadableAnswer(apply.function() + " of " + values.size() + " arguments");
    }
    return switch (apply.function()) {
      case "sqrt" -> root(x, 2);
      case "abs" -> BigComplex.of(x.size());
      case "ln", "log" -> x.ln();
      case "log10" -> x.ln().dividedBy(BigComplex.of(BigDecimal.TEN).ln());
      case "exp" -> {
        bounded(x, MAX_EXPONENT);
        yield x.exp();
      }
      case "asin" -> x.asin();
      case "acos" -> x.acos();
      case "atan" -> x.atan();
      case "factorial" -> factorial(x);
      case "floor" -> BigComplex.of(rounded(real(x), RoundingMode.FLOOR));
      case "ceil" -> BigComplex.of(rounded(real(x), RoundingMode.CEILING));
      default -> trigonometric(apply.function(), x);
    };
  }

  private static BigComplex trigonometric(String function, BigComplex x) {
    bounded(x, MAX_ANGLE);
    return switch (function) {
      case "sin" -> x.sin();
      case "cos" -> x.cos();
      case "tan" -> x.sin().dividedBy(x.cos());
      case "cot" -> x.cos().dividedBy(x.sin());
      case "sec" -> BigComplex.ONE.dividedBy(x.cos());
      case "csc" -> BigComplex.ONE.dividedBy(x.sin());
      case "sinh", "cosh", "tanh" -> hyperbolic(function, x);
      default -> throw new UnreadableAnswer("the function " + function);
    };
  }

  private static BigComplex hyperbolic(String function, BigComplex x) {
    bounded(x, MAX_EXPONENT);
    BigComplex up = x.exp();
    BigComplex down = BigComplex.ONE.dividedBy(up);
    BigComplex two = BigComplex.of(BigDecimal.valueOf(2));
    return switch (function) {
      case "sinh" -> up.minus(down).dividedBy(two);
      case "cosh" -> up.plus(down).dividedBy(two);
      default -> up.minus(down).dividedBy(up.plus(down));
    };
  }

  /** Rounds, but takes a number within rounding of a whole one for that one. */
  private static BigDecimal rounded(BigDecimal value, RoundingMode mode) {
    if (value.scale() <= 0) {
      // Whole already; writing out the zeros of 10^1000000 would fill the memory.
      return value;
    }
    BigDecimal nearest = value.setScale(0, RoundingMode.HALF_EVEN);
    boolean whole =
        value.subtract(nearest, BigFunctions.DIGITS).abs().compareTo(new BigDecimal("1e-45")) <= 0;
    return whole ? nearest : value.setScale(0, mode);
  }

  private static BigComplex two(String function, BigComplex x, BigComplex y) {
    return switch (function) {
      case "logb" -> y.ln().dividedBy(x.ln());
      case "root" -> {
        if (!x.isReal() || !isWhole(x.real())) {
          throw new UnreadableAnswer("a root of a broken degree");
        }
        yield root(y, x.real().longValue());
      }
      case "binom" -> factorial(x).dividedBy(factorial(y).times(factorial(x.minus(y))));
      case "min" -> real(x).compareTo(real(y)) <= 0 ? x : y;
      case "max" -> real(x).compareTo(real(y)) >= 0 ? x : y;
      default -> throw new UnreadableAnswer("the function " + function);
    };
  }

  /** Factorials have values at whole numbers only, which is where answers use them. */
  private static BigComplex factorial(BigComplex x) {
    bounded(x, MAX_FACTORIAL);
    BigDecimal value = real(x);
    if (value.signum() < 0 || !isWhole(value)) {
      throw new ArithmeticException("the factorial of a broken or negative number");
    }
    Rational whole = Rational.of(value.longValue());
    return BigComplex.of(WholeFunctions.apply("factorial", List.of(whole)).orElseThrow());
  }

  private static BigDecimal real(BigComplex value) {
    if (!value.isReal()) {
      throw new ArithmeticException("not a real number");
    }
    return value.real();
  }
}
