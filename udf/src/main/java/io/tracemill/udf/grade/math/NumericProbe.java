package io.tracemill.udf.grade.math;

import java.math.BigDecimal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Compares two expressions by their values at more than 50 digits, at points that are the same on
 * every run. Constants have one point. Expressions with variables agree where they agree at every
 * point at which both have a real value, and there are at least three such points; so {@code
 * ln(x^2)} equals {@code 2 ln x}, and {@code sqrt(x^2)} does not equal {@code x}.
 */
final class NumericProbe {
  private static final int MIN_POINTS = 3;
  private static final int POSITIVE_ROUNDS = 4;
  private static final int SIGNED_ROUNDS = 4;
  private static final int WHOLE_ROUNDS = 4;
  private static final long SEED = 20_130_866L;
  private static final BigDecimal RELATIVE_TOLERANCE = new BigDecimal("1e-35");
  private static final BigDecimal ABSOLUTE_TOLERANCE = new BigDecimal("1e-45");

  private NumericProbe() {}

  /** Whether the values agree, or empty where too few points have values on both sides. */
  static Optional<Boolean> agree(Expr a, Expr b, Budget budget) {
    Set<String> variables = new TreeSet<>();
    boolean complex = Symbols.collect(a, variables) | Symbols.collect(b, variables);
    if (variables.isEmpty()) {
      Numeric numeric = new Numeric(Map.of(), budget);
      return same(numeric, a, b, true);
    }
    int points = 0;
    SplittableRandom random = new SplittableRandom(SEED);
    int rounds = POSITIVE_ROUNDS + SIGNED_ROUNDS + WHOLE_ROUNDS;
    for (int round = 0; round < rounds; round++) {
      Numeric numeric = new Numeric(point(variables, round, random), budget);
      Optional<Boolean> same = same(numeric, a, b, complex);
      if (same.isPresent() && !same.get()) {
        return same;
      }
      points += same.isPresent() ? 1 : 0;
    }
    return points >= MIN_POINTS ? Optional.of(true) : Optional.empty();
  }

  /** The value of a constant expression as a double, or empty where it has none. */
  static Optional<Double> realValue(Expr expr, Budget budget) {
    Set<String> variables = new TreeSet<>();
    Symbols.collect(expr, variables);
    if (!variables.isEmpty()) {
      return Optional.empty();
    }
    try {
      BigComplex value = new Numeric(Map.of(), budget).value(expr);
      return value.isReal() ? Optional.of(value.real().doubleValue()) : Optional.empty();
    } catch (ArithmeticException | UnreadableAnswer e) {
      return Optional.empty();
    }
  }

  private static Map<String, BigComplex> point(
      Set<String> variables, int round, SplittableRandom random) {
    Map<String, BigComplex> point = new HashMap<>();
    List<String> names = List.copyOf(new TreeSet<>(variables));
    for (int i = 0; i < names.size(); i++) {
      Rational value;
      if (round < POSITIVE_ROUNDS + SIGNED_ROUNDS) {
        value = Rational.of(100 + random.nextInt(2_900), 1_009);
        if (round >= POSITIVE_ROUNDS && (round + i) % 2 == 0) {
          value = value.negate();
        }
      } else {
        value = Rational.of(2L + round - POSITIVE_ROUNDS - SIGNED_ROUNDS + 3L * i);
      }
      point.put(names.get(i), BigComplex.of(value));
    }
    return point;
  }

  private static Optional<Boolean> same(Numeric numeric, Expr a, Expr b, boolean complex) {
    BigComplex left;
    BigComplex right;
    try {
      left = numeric.value(a);
      right = numeric.value(b);
    } catch (ArithmeticException | UnreadableAnswer e) {
      return Optional.empty();
    }
    if (!complex && !(left.isReal() && right.isReal())) {
      return Optional.empty();
    }
    BigDecimal gap = left.minus(right).size();
    if (gap.compareTo(ABSOLUTE_TOLERANCE) <= 0) {
      return Optional.of(true);
    }
    BigDecimal size = left.size().add(right.size(), BigFunctions.DIGITS);
    return Optional.of(gap.compareTo(size.multiply(RELATIVE_TOLERANCE)) <= 0);
  }
}
