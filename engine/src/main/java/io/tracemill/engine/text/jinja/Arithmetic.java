package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The operators {@code + - * / // % **} on numbers, strings and lists. */
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(String operator, Object left, Object right) {
    if (Values.isNumber(left) && Values.isNumber(right)) {
      boolean floating = left instanceof Double || right instanceof Double || operator.equals("/");
      return floating
          ? floats(operator, Comparisons.toDouble(left), Comparisons.toDouble(right))
          : integers(operator, integer(left), integer(right));
    }
    if (operator.equals("+")) {
      Object sum = add(left, right);
      if (sum != null) {
        return sum;
      }
    }
    if (operator.equals("*")) {
      Object product =
          isCount(right)
              ? repeat(left, integer(right))
              : isCount(left) ? repeat(right, integer(left)) : null;
      if (product != null) {
        return product;
      }
    }
    if (operator.equals("%") && left instanceof Text format) {
      return PercentFormat.format(format, right);
    }
    Object culprit = left instanceof Undefined ? left : right;
    throw Values.failure(
        culprit,
        "unsupported operand type(s) for "
            + operator
            + ": '"
            + Values.pythonType(left)
            + "' and '"
            + Values.pythonType(right)
            + "'");
  }

  static Object negate(Object value) {
    if (value instanceof Double number) {
      return -number;
    }
    if (Values.isNumber(value)) {
      return integers("-", 0, integer(value));
    }
    throw Values.failure(value, "bad operand type for unary -: '" + Values.pythonType(value) + "'");
  }

  static Object plus(Object value) {
    if (value instanceof Double) {
      return value;
    }
    if (Values.isNumber(value)) {
      return integer(value);
    }
    throw Values.failure(value, "bad operand type for unary +: '" + Values.pythonType(value) + "'");
  }

  private static boolean isCount(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  private static long integer(Object number) {
    if (number instanceof Boolean bool) {
      return bool ? 1 : 0;
    }
    if (number instanceof Long value) {
      return value;
    }
    throw outOfRange();
  }

  private static JinjaException outOfRange() {
    return JinjaException.limit("an integer of the template leaves the range of 64 bits");
  }

  private static Object add(Object left, Object right) {
    if (left instanceof Text a && right instanceof Text b) {
      return a.plus(b);
    }
    if (left instanceof List<?> a
        && right instanceof List<?> b
        && left instanceof Tuple == right instanceof Tuple) {
      checkItems((long) a.size() + b.size());
      List<Object> both = new ArrayList<>(a);
      both.addAll(b);
      return left instanceof Tuple ? new Tuple(both) : both;
    }
    return null;
  }

  private static Object repeat(Object value, long count) {
    int times = (int) Math.max(0, Math.min(count, Integer.MAX_VALUE));
    if (value instanceof Text text) {
      Text.checkLength((long) text.length() * times);
      TextBuilder out = new TextBuilder();
      for (int i = 0; i < times && !text.isEmpty(); i++) {
        out.append(text);
      }
      return out.build();
    }
    if (value instanceof List<?> list) {
      checkItems((long) list.size() * times);
      List<Object> items = new ArrayList<>();
      if (!list.isEmpty()) {
        Collections.nCopies(times, list).forEach(items::addAll);
      }
      return value instanceof Tuple ? new Tuple(items) : items;
    }
    return null;
  }

  static void checkItems(long count) {
    if (count > Values.MAX_ITEMS) {
      throw JinjaException.limit(
          "the template builds a list of more than " + Values.MAX_ITEMS + " items");
    }
  }

  private static Object integers(String operator, long a, long b) {
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "//" -> Math.floorDiv(a, nonZero(b));
        case "%" -> Math.floorMod(a, nonZero(b));
        case "**" -> b < 0 ? (Object) Math.pow(a, b) : (Object) power(a, b);
        default -> throw new IllegalStateException("operator " + operator);
      };
    } catch (ArithmeticException e) {
      throw outOfRange();
    }
  }

  private static long nonZero(long divisor) {
    if (divisor == 0) {
      throw JinjaException.runtime("integer division or modulo by zero");
    }
    return divisor;
  }

  private static long power(long base, long exponent) {
    if (exponent > 64 && Math.abs(base) > 1) {
      throw outOfRange();
    }
    long result = 1;
    long reduced = Math.abs(base) <= 1 ? exponent % 2 + (exponent > 0 ? 2 : 0) : exponent;
    for (long i = 0; i < reduced; i++) {
      result = Math.multiplyExact(result, base);
    }
    return result;
  }

  private static Object floats(String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw JinjaException.runtime("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> modulo(a, b);
      case "**" -> Math.pow(a, b);
      default -> throw new IllegalStateException("operator " + operator);
    };
  }

  private static double modulo(double a, double b) {
    double remainder = a % b;
    if (remainder != 0 && remainder < 0 != b < 0) {
      return remainder + b;
    }
    return remainder == 0 ? Math.copySign(0.0, b) : remainder;
  }
}
