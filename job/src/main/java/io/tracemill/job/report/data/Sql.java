package io.tracemill.job.report.data;

import java.util.Optional;
import org.apache.spark.sql.Row;

/** Values on their way into a query and out of its rows. */
final class Sql {
  private Sql() {}

  /** A string as a literal of SQL. */
  static String text(String value) {
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }

  static String string(Row row, String column) {
    String value = row.getAs(column);
    return value == null ? "" : value;
  }

  static Optional<String> optionalString(Row row, String column) {
    return Optional.ofNullable(row.<String>getAs(column));
  }

  static long whole(Row row, String column) {
    Number value = row.getAs(column);
    return value == null ? 0 : value.longValue();
  }

  /** NaN for null. */
  static double number(Row row, String column) {
    Number value = row.getAs(column);
    return value == null ? Double.NaN : value.doubleValue();
  }

  static Side side(Row row) {
    return Side.values()[(int) whole(row, "side")];
  }
}
