package io.tracemill.engine.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;

/** Filters that make or change numbers. */
final class NumberFilters {
  private NumberFilters() {}

  static void register(Map<String, Filter> filters) {
    filters.put("int", (value, arguments, scope) -> integer(value, arguments));
    filters.put("float", (value, arguments, scope) -> floating(value, arguments));
    filters.put("abs", (value, arguments, scope) -> absolute(value, arguments));
    filters.put("round", (value, arguments, scope) -> round(value, arguments));
  }

  private static Object integer(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("int", "default", "base");
    Object fallback = bound[0] == null ? 0L : bound[0];
    int base = bound[1] == null ? 10 : Values.requireInt(bound[1], "int");
    if (value instanceof Text text) {
      String digits = TextParts.strip(text, null, true, true).value().replace("_", "");
      try {
        return Values.of(new BigInteger(base == 10 ? digits : withoutPrefix(digits, base), base));
      } catch (NumberFormatException e) {
        Object number = parse(text);
        return number instanceof Double parsed && isFinite(parsed) ? truncated(parsed) : fallback;
      }
    }
    if (value instanceof Double number) {
      return isFinite(number) ? truncated(number) : fallback;
    }
    if (Values.isNumber(value)) {
      return value instanceof Boolean bool ? (Object) (bool ? 1L : 0L) : value;
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    return fallback;
  }

  private static String withoutPrefix(String digits, int base) {
    String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : " ";
    return digits.regionMatches(true, 0, prefix, 0, 2) ? digits.substring(2) : digits;
  }

  private static boolean isFinite(double value) {
    return !Double.isNaN(value) && !Double.isInfinite(value);
  }

  private static Object truncated(double value) {
    return Values.of(new BigDecimal(value).toBigInteger());
  }

  private static Object floating(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("float", "default");
    Object fallback = bound[0] == null ? 0.0 : bound[0];
    if (value instanceof Text text) {
      Object number = parse(text);
      return number == null ? fallback : number;
    }
    if (Values.isNumber(value)) {
      return Comparisons.toDouble(value);
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    return fallback;
  }

  /** The number that a text spells for Python's {@code float}, or null. */
  private static Double parse(Text text) {
    String digits = TextParts.strip(text, null, true, true).value();
    if (digits.matches("[+-]?(\\d+(_\\d+)*\\.?(\\d+)?|\\.\\d+)([eE][+-]?\\d+)?")) {
      return Double.valueOf(digits.replace("_", ""));
    }
    if (digits.matches("(?i)[+-]?inf(inity)?")) {
      return digits.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    }
    return digits.matches("(?i)[+-]?nan") ? Double.NaN : null;
  }

  private static Object absolute(Object value, Arguments arguments) {
    arguments.bind("abs");
    if (value instanceof Double number) {
      return Math.abs(number);
    }
    if (Values.isNumber(value)) {
      return Values.of(Comparisons.toBigInteger(value).abs());
    }
    throw Values.failure(value, "bad operand type for abs(): '" + Values.pythonType(value) + "'");
  }

  private static Object round(Object given, Arguments arguments) {
    Object value = given instanceof Boolean ? Arithmetic.plus(given) : given;
    Object[] bound = arguments.bind("round", "precision", "method");
    int precision = bound[0] == null ? 0 : Values.requireInt(bound[0], "round");
    String method = bound[1] == null ? "common" : Values.requireText(bound[1], "round").value();
    if (!Values.isNumber(value)) {
      throw Values.failure(value, "round needs a number, not " + Values.pythonType(value));
    }
    if (Values.isInteger(value) && method.equals("common") && precision >= 0) {
      return value;
    }
    RoundingMode mode =
        switch (method) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw JinjaException.runtime("method must be common, ceil or floor");
        };
    double number = Comparisons.toDouble(value);
    if (!isFinite(number)) {
      return number;
    }
    if (mode == RoundingMode.HALF_EVEN) {
      double rounded = new BigDecimal(number).setScale(precision, mode).doubleValue();
      return Values.isInteger(value) ? (Object) (long) rounded : rounded;
    }
    double scale = Math.pow(10, precision);
    double scaled = number * scale;
    return (mode == RoundingMode.CEILING ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
  }
}
