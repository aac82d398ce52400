package io.tracemill.udf.grade.math;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A unit as a factor times powers of base dimensions.
 *
 * @param factor size in base units, without its power of pi
 * @param piPower power of pi in the factor: 1 for degrees (pi/180 radians)
 * @param dimensions exponent by dimension; an unknown word is a dimension of its own
 */
record Unit(Rational factor, int piPower, Map<String, Integer> dimensions) {
  static final Unit NONE = new Unit(Rational.ONE, 0, Map.of());
  static final Unit PERCENT = new Unit(Rational.of(1, 100), 0, Map.of("percent", 1));
  static final Unit DEGREE = new Unit(Rational.of(1, 180), 1, Map.of("angle", 1));

  Unit {
    dimensions = new TreeMap<>(dimensions);
  }

  static Unit of(Rational factor, String dimension) {
    return new Unit(factor, 0, Map.of(dimension, 1));
  }

  Unit times(Unit other) {
    Map<String, Integer> sum = new TreeMap<>(dimensions);
    other.dimensions.forEach(
        (dimension, power) -> {
          int total = sum.getOrDefault(dimension, 0) + power;
          if (total == 0) {
            sum.remove(dimension);
          } else {
            sum.put(dimension, total);
          }
        });
    return new Unit(factor.times(other.factor), piPower + other.piPower, sum);
  }

  /** This unit to a power; the parser keeps {@code exponent} within ±9. */
  Unit power(int exponent) {
    Map<String, Integer> scaled = new TreeMap<>();
    dimensions.forEach((dimension, power) -> scaled.put(dimension, power * exponent));
    return new Unit(factor.power(exponent), piPower * exponent, scaled);
  }

  boolean isEmpty() {
    return dimensions.isEmpty();
  }

  boolean sameDimensions(Unit other) {
    return dimensions.equals(other.dimensions);
  }

  /** Whether a number may be meant with its sign worked in: percent and degrees. */
  boolean isValueBearing() {
    return this.equals(PERCENT) || this.equals(DEGREE);
  }

  @Override
  public String toString() {
    String scale =
        factor.equals(Rational.ONE) && piPower == 0
            ? ""
            : factor + (piPower == 0 ? "" : "π^" + piPower) + "·";
    return scale
        + dimensions.entrySet().stream()
            .map(e -> e.getValue() == 1 ? e.getKey() : e.getKey() + "^" + e.getValue())
            .collect(Collectors.joining("·"));
  }
}
