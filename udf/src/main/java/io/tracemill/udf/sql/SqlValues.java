package io.tracemill.udf.sql;

import java.util.Optional;

/** Values of any SQL type as the types that functions work on. */
final class SqlValues {
  private SqlValues() {}

  /** The text of a value that is not null: numbers as SQL prints them. */
  static String text(Object value) {
    return value.toString();
  }

  /** The number in a value, where it is one. */
  static Optional<Double> number(Object value) {
    if (value instanceof Number number) {
      return Optional.of(number.doubleValue());
    }
    if (value instanceof String text) {
      try {
        return Optional.of(Double.valueOf(text.strip()));
      } catch (NumberFormatException e) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }
}
