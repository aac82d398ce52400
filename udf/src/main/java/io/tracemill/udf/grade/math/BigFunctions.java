package io.tracemill.udf.grade.math;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * Elementary functions of real numbers to at least 50 significant digits; they work at 80 and lose
 * a few to argument reduction. Arguments are bounded by the caller.
 */
final class BigFunctions {
  static final MathContext DIGITS = new MathContext(80, RoundingMode.HALF_EVEN);

  /** For the reduction of angles, which loses the digits in front of the point. */
  private static final MathContext WIDE = new MathContext(100, RoundingMode.HALF_EVEN);

  private static final BigDecimal TWO = BigDecimal.valueOf(2);

  /** Series stop at terms below this, relative to arguments that were reduced below one. */
  private static final BigDecimal TINY = new BigDecimal("1e-90");

  /** Machin: pi/4 = 4 arctan(1/5) - arctan(1/239), with digits to spare for large angles. */
  static final BigDecimal PI = pi();

  static final BigDecimal E = exp(BigDecimal.ONE);
  private static final BigDecimal TWO_PI = PI.multiply(TWO);
  private static final int HALVINGS = 12;

  private BigFunctions() {}

  private static BigDecimal pi() {
    BigDecimal quarter =
        arctanOfInverse(5).multiply(BigDecimal.valueOf(4)).subtract(arctanOfInverse(239));
    return quarter.multiply(BigDecimal.valueOf(4));
  }

  private static BigDecimal arctanOfInverse(int inverse) {
    int scale = 110;
    BigInteger one = BigInteger.TEN.pow(scale);
    BigInteger square = BigInteger.valueOf((long) inverse * inverse);
    BigInteger power = one.divide(BigInteger.valueOf(inverse));
    BigInteger sum = power;
    for (int k = 1; power.signum() != 0; k++) {
      power = power.divide(square);
      BigInteger term = power.divide(BigInteger.valueOf(2L * k + 1));
      sum = k % 2 == 0 ? sum.add(term) : sum.subtract(term);
    }
    return new BigDecimal(sum, scale);
  }

  /** e to a power of at most a hundred thousand in size. */
  static BigDecimal exp(BigDecimal x) {
    int halvings = 8;
    BigDecimal limit = BigDecimal.ONE;
    while (limit.compareTo(x.abs()) < 0) {
      limit = limit.multiply(TWO);
      halvings++;
    }
    BigDecimal reduced = x.divide(TWO.pow(halvings), DIGITS);
    BigDecimal term = BigDecimal.ONE;
    BigDecimal sum = BigDecimal.ONE;
    for (int k = 1; term.abs().compareTo(TINY) > 0; k++) {
      term = term.multiply(reduced, DIGITS).divide(BigDecimal.valueOf(k), DIGITS);
      sum = sum.add(term, DIGITS);
    }
    for (int i = 0; i < halvings; i++) {
      sum = sum.multiply(sum, DIGITS);
    }
    return sum;
  }

  /** The natural logarithm of a positive number. */
  static BigDecimal ln(BigDecimal x) {
    // x = m * 10^k with m in [0.1, 1): the exponent may be far outside the range of a double.
    int k = x.precision() - x.scale();
    BigDecimal m = x.scaleByPowerOfTen(-k);
    BigDecimal y = lnNearOne(m);
    return k == 0 ? y : y.add(Ln10.VALUE.multiply(BigDecimal.valueOf(k)), DIGITS);
  }

  /** Two steps of Halley's method from a double: 16, 48, more than 80 digits. */
  private static BigDecimal lnNearOne(BigDecimal m) {
    BigDecimal y = BigDecimal.valueOf(Math.log(m.doubleValue()));
    for (int i = 0; i < 2; i++) {
      BigDecimal power = exp(y);
      BigDecimal step = m.subtract(power, DIGITS).multiply(TWO).divide(m.add(power), DIGITS);
      y = y.add(step, DIGITS);
    }
    return y;
  }

  private static final class Ln10 {
    static final BigDecimal VALUE = lnNearOne(BigDecimal.TEN);
  }

  /** Cosine and sine of one angle, in this order. */
  record Angle(BigDecimal cos, BigDecimal sin) {}

  /** Cosine and sine of an angle of at most a thousand million in size. */
  static Angle angle(BigDecimal x) {
    BigDecimal turns = x.divide(TWO_PI, 0, RoundingMode.HALF_EVEN);
    BigDecimal reduced = x.subtract(turns.multiply(TWO_PI), WIDE).divide(TWO.pow(HALVINGS), DIGITS);
    BigDecimal square = reduced.multiply(reduced, DIGITS);
    // 1 - cos keeps its digits under doubling, which cos itself would lose.
    BigDecimal versed = BigDecimal.ZERO;
    BigDecimal term = BigDecimal.ONE;
    for (int k = 1; term.abs().compareTo(TINY) > 0; k++) {
      term =
          term.multiply(square, DIGITS)
              .divide(BigDecimal.valueOf(2L * k * (2L * k - 1)), DIGITS)
              .negate();
      versed = versed.subtract(term, DIGITS);
    }
    BigDecimal sine = reduced;
    term = reduced;
    for (int k = 1; term.abs().compareTo(TINY) > 0; k++) {
      term =
          term.multiply(square, DIGITS)
              .divide(BigDecimal.valueOf(2L * k * (2L * k + 1)), DIGITS)
              .negate();
      sine = sine.add(term, DIGITS);
    }
    for (int i = 0; i < HALVINGS; i++) {
      sine = sine.multiply(BigDecimal.ONE.subtract(versed, DIGITS), DIGITS).multiply(TWO);
      versed = versed.multiply(TWO).multiply(TWO.subtract(versed, DIGITS), DIGITS);
    }
    return new Angle(BigDecimal.ONE.subtract(versed, DIGITS), sine);
  }

  /** The angle of a point, in (-pi, pi]; the point is not the origin. */
  static BigDecimal arg(BigDecimal real, BigDecimal imaginary) {
    if (imaginary.signum() == 0) {
      return real.signum() >= 0 ? BigDecimal.ZERO : PI.round(DIGITS);
    }
    BigDecimal size = real.abs().max(imaginary.abs());
    BigDecimal x = real.divide(size, DIGITS);
    BigDecimal y = imaginary.divide(size, DIGITS);
    BigDecimal guess = BigDecimal.valueOf(Math.atan2(y.doubleValue(), x.doubleValue()));
    // The tangent of what is missing; below 1e-15, so that two terms of the arctangent do.
    Angle angle = angle(guess);
    BigDecimal above = y.multiply(angle.cos(), DIGITS).subtract(x.multiply(angle.sin(), DIGITS));
    BigDecimal below = x.multiply(angle.cos(), DIGITS).add(y.multiply(angle.sin(), DIGITS));
    BigDecimal rest = above.divide(below, DIGITS);
    BigDecimal cube = rest.pow(3, DIGITS).divide(BigDecimal.valueOf(3), DIGITS);
    BigDecimal fifth = rest.pow(5, DIGITS).divide(BigDecimal.valueOf(5), DIGITS);
    return guess.add(rest, DIGITS).subtract(cube, DIGITS).add(fifth, DIGITS);
  }
}
