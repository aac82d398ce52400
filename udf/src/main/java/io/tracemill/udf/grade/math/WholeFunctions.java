package io.tracemill.udf.grade.math;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;

/** Functions of exact numbers whose values are exact. */
final class WholeFunctions {
  private static final int MAX_FACTORIAL = 500;

  private WholeFunctions() {}

  /** The value, or empty where it is not rational, not known or too large. */
  static Optional<Rational> apply(String function, List<Rational> arguments) {
    if (arguments.isEmpty()) {
      return Optional.empty();
    }
    Rational first = arguments.get(0);
    return switch (function) {
      case "abs" -> Optional.of(first.abs());
      case "floor" -> Optional.of(floor(first));
      case "ceil" -> Optional.of(floor(first.negate()).negate());
      case "min" -> arguments.stream().min(Rational::compareTo);
      case "max" -> arguments.stream().max(Rational::compareTo);
      case "gcd", "lcm" ->
          wholeNumbers(arguments) ? Optional.of(fold(function, arguments)) : none();
      case "factorial" -> small(first) ? Optional.of(factorial(first)) : none();
      case "binom" ->
          arguments.size() == 2 && small(first) && small(arguments.get(1))
              ? Optional.of(binomial(first, arguments.get(1)))
              : none();
      default -> none();
    };
  }

  private static Optional<Rational> none() {
    return Optional.empty();
  }

  private static boolean wholeNumbers(List<Rational> values) {
    return values.stream().allMatch(Rational::isInteger);
  }

  private static boolean small(Rational value) {
    return value.isSmallInteger()
        && value.signum() >= 0
        && value.numerator().intValue() <= MAX_FACTORIAL;
  }

  private static Rational floor(Rational value) {
    BigInteger[] division = value.numerator().divideAndRemainder(value.denominator());
    BigInteger floor =
        division[1].signum() < 0 ? division[0].subtract(BigInteger.ONE) : division[0];
    return new Rational(floor, BigInteger.ONE);
  }

  private static Rational fold(String function, List<Rational> values) {
    BigInteger result = values.get(0).numerator().abs();
    for (Rational value : values) {
      BigInteger next = value.numerator().abs();
      BigInteger gcd = result.gcd(next);
      if (function.equals("gcd")) {
        result = gcd;
      } else {
        result = gcd.signum() == 0 ? gcd : result.multiply(next).divide(gcd);
      }
    }
    return new Rational(result, BigInteger.ONE);
  }

  private static Rational factorial(Rational value) {
    BigInteger product = BigInteger.ONE;
    for (int i = 2; i <= value.numerator().intValue(); i++) {
      product = product.multiply(BigInteger.valueOf(i));
    }
    return new Rational(product, BigInteger.ONE);
  }

  private static Rational binomial(Rational n, Rational k) {
    int above = n.numerator().intValue();
    int below = k.numerator().intValue();
    BigInteger result = below > above ? BigInteger.ZERO : BigInteger.ONE;
    for (int i = 1; i <= Math.min(below, above); i++) {
      result = result.multiply(BigInteger.valueOf(above - below + i)).divide(BigInteger.valueOf(i));
    }
    return new Rational(result, BigInteger.ONE);
  }
}
