package io.tracemill.job.input;

import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * A source as it was read, before its columns are given their parts.
 *
 * @param table the source's columns and perhaps further ones
 * @param columns names of the source's own columns
 * @param content identifies a row by what it holds
 * @param problem why a row could not be read; null for a good one
 */
record RawRows(Dataset<Row> table, List<String> columns, Column content, Column problem) {
  RawRows {
    columns = List.copyOf(columns);
  }
}
