package io.tracemill.udf.grade.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.apfloat.Apcomplex;
import org.apfloat.ApcomplexMath;
import org.apfloat.Apfloat;
import org.apfloat.ApfloatMath;
import org.junit.jupiter.api.Test;

/** Our elementary functions against Apfloat's, to 50 digits. */
class TestBigFunctions {
  private static final long DIGITS = 90;
  private static final BigDecimal TOLERANCE = new BigDecimal("1e-50");
  private final long seed = Long.getLong("tests.seed", 7L);
  private final SplittableRandom random = new SplittableRandom(seed);

  private static void same(BigDecimal ours, Apfloat theirs) {
    BigDecimal expected = new BigDecimal(theirs.toString(true));
    BigDecimal scale = expected.abs().max(BigDecimal.ONE);
    assertThat(ours.subtract(expected).abs()).isLessThanOrEqualTo(scale.multiply(TOLERANCE));
  }

  private static Apfloat apfloat(BigDecimal value) {
    return new Apfloat(value, DIGITS);
  }

  private BigDecimal number(double size) {
    return BigDecimal.valueOf((random.nextDouble() * 2 - 1) * size);
  }

  @Test
  void exponentialsAndLogarithmsAgree() {
    for (double size : new double[] {1e-6, 1, 20, 300}) {
      for (int i = 0; i < 3; i++) {
        BigDecimal x = number(size);
        same(BigFunctions.exp(x), ApfloatMath.exp(apfloat(x)));
        BigDecimal positive = x.abs().add(new BigDecimal("1e-30"));
        same(BigFunctions.ln(positive), ApfloatMath.log(apfloat(positive)));
      }
    }
    same(BigFunctions.PI, ApfloatMath.pi(DIGITS));
    assertThat(BigFunctions.ln(new BigDecimal("1e1000000")).doubleValue())
        .isCloseTo(1_000_000 * Math.log(10), within(1e-8));
  }

  @Test
  void anglesAgreeFarFromZeroToo() {
    for (double size : new double[] {1e-6, 1, 100, 1e8}) {
      for (int i = 0; i < 3; i++) {
        BigDecimal x = number(size);
        BigFunctions.Angle angle = BigFunctions.angle(x);
        same(angle.cos(), ApfloatMath.cos(apfloat(x)));
        same(angle.sin(), ApfloatMath.sin(apfloat(x)));
        BigDecimal y = number(1);
        same(BigFunctions.arg(x, y), ApfloatMath.atan2(apfloat(y), apfloat(x)));
      }
    }
  }

  @Test
  void complexFunctionsTakeTheSameBranches() {
    for (int i = 0; i < 6; i++) {
      BigComplex z = new BigComplex(number(3), number(3));
      Apcomplex theirs = new Apcomplex(apfloat(z.real()), apfloat(z.imaginary()));
      check(z.ln(), ApcomplexMath.log(theirs));
      check(z.exp(), ApcomplexMath.exp(theirs));
      check(z.sqrt(), ApcomplexMath.sqrt(theirs));
      check(z.asin(), ApcomplexMath.asin(theirs));
      check(z.atan(), ApcomplexMath.atan(theirs));
      check(z.sin(), ApcomplexMath.sin(theirs));
      check(z.cos(), ApcomplexMath.cos(theirs));
      check(z.power(-5), ApcomplexMath.pow(theirs, -5));
    }
  }

  private static void check(BigComplex ours, Apcomplex theirs) {
    same(ours.real(), theirs.real());
    same(ours.imaginary(), theirs.imag());
  }
}
