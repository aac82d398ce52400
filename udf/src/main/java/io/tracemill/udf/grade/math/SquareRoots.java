package io.tracemill.udf.grade.math;

import java.math.BigInteger;

/** Square factors of numbers. */
final class SquareRoots {
  private static final int MAX_TRIAL = 1_000;

  private SquareRoots() {}

  /** {@code sqrt(value) = outside * sqrt(inside)}, {@code inside} a whole number. */
  record Split(Rational outside, Rational inside) {}

  /** Takes out the squares of primes below a thousand, and what then is a whole square. */
  static Split split(Rational value) {
    if (value.bits() > 512) {
      throw new UnreadableAnswer("the root of a very large number");
    }
    BigInteger inside = value.numerator().multiply(value.denominator());
    BigInteger outside = BigInteger.ONE;
    for (int p = 2; p < MAX_TRIAL && inside.bitLength() > 1; p++) {
      BigInteger square = BigInteger.valueOf((long) p * p);
      if (square.compareTo(inside) > 0) {
        break;
      }
      BigInteger[] division = inside.divideAndRemainder(square);
      while (division[1].signum() == 0) {
        inside = division[0];
        outside = outside.multiply(BigInteger.valueOf(p));
        division = inside.divideAndRemainder(square);
      }
    }
    BigInteger root = inside.sqrt();
    if (root.multiply(root).equals(inside)) {
      outside = outside.multiply(root);
      inside = BigInteger.ONE;
    }
    if (value.signum() == 0) {
      return new Split(Rational.ZERO, Rational.ONE);
    }
    return new Split(
        new Rational(outside, value.denominator()), new Rational(inside, BigInteger.ONE));
  }
}
