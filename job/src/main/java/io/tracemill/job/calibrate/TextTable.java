package io.tracemill.job.calibrate;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Texts of which a sample is run. They are taken in the order of a hash, so that a sample is spread
 * over the table and the same each time, however the table lies on disk.
 */
interface TextTable {
  /** A column of 64 bits, the place of a row in the order. */
  String ORDER = "tracemill_order";

  /** A column of 64 bits, at most about the tokens of a row, for how far to read. */
  String SIZE = "tracemill_size";

  /** The rows, with the two columns above and whatever {@link #tokens} needs. */
  Dataset<Row> rows();

  /** Tells rows of equal {@link #ORDER} apart. */
  String key(Row row);

  /**
   * The tokens of a row, at least one.
   *
   * @throws UnusableText where it has none
   */
  int[] tokens(Row row) throws UnusableText;

  /** What a text is, for people, in the plural. */
  String label();

  /** A row that is passed over, with the reason as a sentence. */
  final class UnusableText extends Exception {
    private static final long serialVersionUID = 1;

    UnusableText(String reason) {
      super(reason);
    }
  }
}
