package io.tracemill.job.report.data;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Row;

/**
 * How long outputs are: rows that ran, by generated tokens.
 *
 * @param binTokens width of a bin in tokens
 * @param bins those with rows, by side and start
 */
public record Lengths(long binTokens, List<Bin> bins) {
  private static final int MOST_BINS = 40;

  public Lengths {
    bins = List.copyOf(bins);
  }

  /**
   * One bin.
   *
   * @param from fewest tokens of the bin; it ends before {@code from + binTokens}
   * @param complete rows that the model itself ended
   * @param cut the others
   */
  public record Bin(Side side, long from, long complete, long cut) {}

  static Lengths read(ReportTables tables) {
    long longest =
        tables
            .query("SELECT coalesce(max(generated_tokens), 0) FROM report_rows WHERE status = 'ok'")
            .get(0)
            .getInt(0);
    long width = Steps.round(longest + 1, MOST_BINS);
    List<Bin> bins = new ArrayList<>();
    for (Row row :
        tables.query(
            """
            SELECT
              side,
              generated_tokens DIV %1$d * %1$d AS bin,
              count_if(complete) AS complete,
              count_if(NOT complete) AS cut
            FROM report_rows
            WHERE status = 'ok'
            GROUP BY 1, 2
            ORDER BY 1, 2
            """
                .formatted(width))) {
      bins.add(
          new Bin(
              Sql.side(row),
              Sql.whole(row, "bin"),
              Sql.whole(row, "complete"),
              Sql.whole(row, "cut")));
    }
    return new Lengths(width, bins);
  }
}
