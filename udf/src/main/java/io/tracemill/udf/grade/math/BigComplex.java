package io.tracemill.udf.grade.math;

import static io.tracemill.udf.grade.math.BigFunctions.DIGITS;

import java.math.BigDecimal;

/** A complex number at 80 digits; functions take their principal branches. */
record BigComplex(BigDecimal real, BigDecimal imaginary) {
  static final BigComplex ZERO = of(BigDecimal.ZERO);
  static final BigComplex ONE = of(BigDecimal.ONE);
  static final BigComplex I = new BigComplex(BigDecimal.ZERO, BigDecimal.ONE);
  static final BigComplex PI = of(BigFunctions.PI.round(DIGITS));
  static final BigComplex E = of(BigFunctions.E);

  private static final BigDecimal TWO = BigDecimal.valueOf(2);

  /** Sizes below this, or this far below the other part, are rounding. */
  private static final BigDecimal NOISE = new BigDecimal("1e-50");

  static BigComplex of(BigDecimal real) {
    return new BigComplex(real, BigDecimal.ZERO);
  }

  static BigComplex of(Rational value) {
    BigDecimal numerator = new BigDecimal(value.numerator());
    return of(
        value.isInteger()
            ? numerator.round(DIGITS)
            : numerator.divide(new BigDecimal(value.denominator()), DIGITS));
  }

  boolean isReal() {
    return imaginary.abs().compareTo(real.abs().multiply(NOISE).add(NOISE, DIGITS)) <= 0;
  }

  boolean isZero() {
    return real.abs().compareTo(NOISE) <= 0 && imaginary.abs().compareTo(NOISE) <= 0;
  }

  BigComplex plus(BigComplex other) {
    return new BigComplex(real.add(other.real, DIGITS), imaginary.add(other.imaginary, DIGITS));
  }

  BigComplex minus(BigComplex other) {
    return plus(other.negate());
  }

  BigComplex negate() {
    return new BigComplex(real.negate(), imaginary.negate());
  }

  BigComplex times(BigComplex other) {
    if (imaginary.signum() == 0 && other.imaginary.signum() == 0) {
      return of(real.multiply(other.real, DIGITS));
    }
    return new BigComplex(
        real.multiply(other.real, DIGITS)
            .subtract(imaginary.multiply(other.imaginary, DIGITS), DIGITS),
        real.multiply(other.imaginary, DIGITS).add(imaginary.multiply(other.real, DIGITS), DIGITS));
  }

  /** The quotient; throws {@link ArithmeticException} where the divisor is zero within rounding. */
  BigComplex dividedBy(BigComplex other) {
    if (other.isZero()) {
      throw new ArithmeticException("division by zero");
    }
    if (other.imaginary.signum() == 0) {
      return new BigComplex(real.divide(other.real, DIGITS), imaginary.divide(other.real, DIGITS));
    }
    BigDecimal norm = other.real.pow(2, DIGITS).add(other.imaginary.pow(2, DIGITS), DIGITS);
    BigComplex above = times(new BigComplex(other.real, other.imaginary.negate()));
    return new BigComplex(above.real.divide(norm, DIGITS), above.imaginary.divide(norm, DIGITS));
  }

  BigDecimal size() {
    if (imaginary.signum() == 0) {
      return real.abs();
    }
    return real.pow(2, DIGITS).add(imaginary.pow(2, DIGITS), DIGITS).sqrt(DIGITS);
  }

  /** A whole power; a negative or zero power of zero throws {@link ArithmeticException}. */
  BigComplex power(long exponent) {
    if (exponent <= 0 && isZero()) {
      throw new ArithmeticException("a power of zero");
    }
    BigComplex result = ONE;
    BigComplex square = this;
    for (long rest = Math.abs(exponent); rest > 0; rest >>= 1) {
      if ((rest & 1) == 1) {
        result = result.times(square);
      }
      if (rest > 1) {
        square = square.times(square);
      }
    }
    return exponent < 0 ? ONE.dividedBy(result) : result;
  }

  BigComplex exp() {
    BigDecimal scale = BigFunctions.exp(real);
    if (imaginary.signum() == 0) {
      return of(scale);
    }
    BigFunctions.Angle angle = BigFunctions.angle(imaginary);
    return new BigComplex(scale.multiply(angle.cos(), DIGITS), scale.multiply(angle.sin(), DIGITS));
  }

  BigComplex ln() {
    if (isZero()) {
      throw new ArithmeticException("the logarithm of zero");
    }
    BigDecimal angle =
        isReal() ? BigFunctions.arg(real, BigDecimal.ZERO) : BigFunctions.arg(real, imaginary);
    return new BigComplex(BigFunctions.ln(size()), angle);
  }

  BigComplex sqrt() {
    if (imaginary.signum() == 0) {
      BigDecimal root = real.abs().sqrt(DIGITS);
      return real.signum() >= 0 ? of(root) : new BigComplex(BigDecimal.ZERO, root);
    }
    BigDecimal size = size();
    BigDecimal a = size.add(real).divide(TWO, DIGITS).max(BigDecimal.ZERO).sqrt(DIGITS);
    BigDecimal b = size.subtract(real).divide(TWO, DIGITS).max(BigDecimal.ZERO).sqrt(DIGITS);
    return new BigComplex(a, imaginary.signum() < 0 ? b.negate() : b);
  }

  BigComplex sin() {
    if (imaginary.signum() == 0) {
      return of(BigFunctions.angle(real).sin());
    }
    BigComplex turned = times(I);
    return turned
        .exp()
        .minus(turned.negate().exp())
        .dividedBy(new BigComplex(BigDecimal.ZERO, TWO));
  }

  BigComplex cos() {
    if (imaginary.signum() == 0) {
      return of(BigFunctions.angle(real).cos());
    }
    BigComplex turned = times(I);
    return turned.exp().plus(turned.negate().exp()).dividedBy(of(TWO));
  }

  /** {@code -i ln(i z + sqrt(1 - z^2))}. */
  BigComplex asin() {
    BigComplex inside = times(I).plus(ONE.minus(times(this)).sqrt());
    return inside.ln().times(I).negate();
  }

  BigComplex acos() {
    return PI.dividedBy(of(TWO)).minus(asin());
  }

  BigComplex atan() {
    if (imaginary.signum() == 0) {
      return of(BigFunctions.arg(BigDecimal.ONE, real));
    }
    BigComplex turned = times(I);
    BigComplex difference = ONE.plus(turned).ln().minus(ONE.minus(turned).ln());
    return difference.dividedBy(new BigComplex(BigDecimal.ZERO, TWO));
  }
}
