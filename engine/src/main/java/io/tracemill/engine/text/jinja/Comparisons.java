package io.tracemill.engine.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/** Equality, order and membership as Python defines them. */
final class Comparisons {
  private Comparisons() {}

  static boolean equal(Object left, Object right) {
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return isNaN(left) || isNaN(right) ? false : compareNumbers(left, right) == 0;
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      return left instanceof Tuple == right instanceof Tuple && equalItems(a, b);
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      return equalMaps(a, b);
    }
    return left.equals(right);
  }

  private static boolean equalItems(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalMaps(Map<?, ?> left, Map<?, ?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    for (Map.Entry<?, ?> entry : left.entrySet()) {
      Object other = right.get(entry.getKey());
      if (other == null || !equal(entry.getValue(), other)) {
        return false;
      }
    }
    return true;
  }

  /** Negative, zero or positive; fails where Python raises a TypeError. */
  static int compare(Object left, Object right) {
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return compareNumbers(left, right);
    }
    if (left instanceof Text a && right instanceof Text b) {
      return a.compareTo(b);
    }
    if (left instanceof List<?> a
        && right instanceof List<?> b
        && left instanceof Tuple == right instanceof Tuple) {
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!equal(a.get(i), b.get(i))) {
          return compare(a.get(i), b.get(i));
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    Object culprit = left instanceof Undefined ? left : right;
    throw Values.failure(
        culprit,
        "'<' not supported between instances of '"
            + Values.pythonType(left)
            + "' and '"
            + Values.pythonType(right)
            + "'");
  }

  private static boolean isNaN(Object value) {
    return value instanceof Double number && number.isNaN();
  }

  private static int compareNumbers(Object left, Object right) {
    if (left instanceof Double || right instanceof Double) {
      double a = toDouble(left);
      double b = toDouble(right);
      if (Double.isInfinite(a) || Double.isInfinite(b) || Double.isNaN(a) || Double.isNaN(b)) {
        return a == b ? 0 : Double.compare(a, b);
      }
      return exact(left).compareTo(exact(right));
    }
    return toBigInteger(left).compareTo(toBigInteger(right));
  }

  private static BigDecimal exact(Object number) {
    return number instanceof Double value
        ? new BigDecimal(value)
        : new BigDecimal(toBigInteger(number));
  }

  static double toDouble(Object number) {
    return number instanceof Boolean bool ? (bool ? 1 : 0) : ((Number) number).doubleValue();
  }

  static BigInteger toBigInteger(Object number) {
    if (number instanceof BigInteger integer) {
      return integer;
    }
    return number instanceof Boolean bool
        ? (bool ? BigInteger.ONE : BigInteger.ZERO)
        : BigInteger.valueOf((Long) number);
  }

  /** As {@code item in container}. */
  static boolean contains(Object container, Object item) {
    if (container instanceof Text text) {
      if (item instanceof Text part) {
        return text.value().contains(part.value());
      }
      throw Values.failure(
          item, "'in <string>' requires string as left operand, not " + Values.pythonType(item));
    }
    if (container instanceof Map<?, ?> map) {
      return Dicts.contains(map, item);
    }
    if (container instanceof None || Values.isNumber(container) || container instanceof Namespace) {
      throw JinjaException.runtime(
          "argument of type '" + Values.pythonType(container) + "' is not iterable");
    }
    for (Object each : Values.items(container)) {
      if (equal(each, item)) {
        return true;
      }
    }
    return false;
  }
}
