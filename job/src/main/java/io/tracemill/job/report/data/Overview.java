package io.tracemill.job.report.data;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * What one run came to.
 *
 * @param rows result rows
 * @param failed with status error
 * @param complete that the model itself ended
 * @param accuracy of the rows with a gold answer; empty where there are none
 * @param promptTokens of all rows
 * @param generatedTokens of all rows
 * @param compressions of all rows
 * @param rowSteps KV rows attended to, summed over all steps of all rows
 * @param fullRowSteps the same, had the cache been full
 * @param meanPeakRows most KV rows of a trace, mean over traces
 * @param meanFullRows what a full cache would hold at the end of a trace, mean over traces
 * @param meanPeakBytes {@code meanPeakRows} in bytes
 * @param maxPeakBytes of the largest trace, in bytes
 * @param tokens generated tokens of a row that ran
 * @param decodeSeconds of a row that ran
 * @param generatingSeconds from the first row's arrival at an engine to the last row's end, summed
 *     over resumed parts
 * @param incompleteTokens generated in rows that did not complete
 */
public record Overview(
    long rows,
    long failed,
    long complete,
    Optional<Share> accuracy,
    long promptTokens,
    long generatedTokens,
    long compressions,
    double rowSteps,
    double fullRowSteps,
    double meanPeakRows,
    double meanFullRows,
    double meanPeakBytes,
    double maxPeakBytes,
    Quantiles tokens,
    Quantiles decodeSeconds,
    double generatingSeconds,
    long incompleteTokens) {

  /**
   * A share with Wilson's 95 % interval.
   *
   * @param hits of {@code trials}
   * @param low end of the interval
   * @param high end of the interval
   */
  public record Share(long hits, long trials, double low, double high) {
    /** From 0 to 1. */
    public double value() {
      return (double) hits / trials;
    }

    static Optional<Share> of(Row verdict) {
      return verdict.getLong(0) == 0
          ? Optional.empty()
          : Optional.of(
              new Share(
                  verdict.getLong(1),
                  verdict.getLong(0),
                  verdict.getDouble(3),
                  verdict.getDouble(4)));
    }
  }

  /** Quantiles and the largest of a column; NaN where there are no rows. */
  public record Quantiles(double p50, double p90, double p99, double max) {
    static Quantiles of(Row row, String column) {
      return new Quantiles(
          Sql.number(row, column + "_p50"),
          Sql.number(row, column + "_p90"),
          Sql.number(row, column + "_p99"),
          Sql.number(row, column + "_max"));
    }
  }

  /** Share of a full cache's row steps that compression saved. */
  public double savedShare() {
    return fullRowSteps > 0 ? 1 - rowSteps / fullRowSteps : 0;
  }

  /** Generated tokens a second; 0 where nothing ran. */
  public double tokensPerSecond() {
    return generatingSeconds > 0 ? generatedTokens / generatingSeconds : 0;
  }

  /** Peak bytes of a mean trace, had its cache been full. */
  public double meanFullBytes() {
    return meanPeakRows > 0 ? meanPeakBytes / meanPeakRows * meanFullRows : 0;
  }

  /** Share of the generated tokens that went into rows that did not complete. */
  public double incompleteTokenShare() {
    return generatedTokens > 0 ? (double) incompleteTokens / generatedTokens : 0;
  }

  static Map<Side, Overview> read(ReportTables tables) {
    Map<Side, Overview> found = new EnumMap<>(Side.class);
    for (Row row :
        tables.query(
            """
            SELECT
              a.*, s.seconds
            FROM (
              SELECT
                side,
                count(*) AS rows,
                count_if(status <> 'ok') AS failed,
                count_if(status = 'ok' AND complete) AS complete,
                tm_accuracy(correct) AS verdict,
                sum(prompt_tokens) AS prompt_tokens,
                sum(generated_tokens) AS generated_tokens,
                sum(compressions) AS compressions,
                sum(row_steps) AS row_steps,
                sum(row_steps / (1 - kv_saved_ratio)) AS full_row_steps,
                avg(CASE WHEN status = 'ok' THEN kv_peak_rows END) AS mean_peak_rows,
                avg(CASE WHEN status = 'ok' THEN kv_full_rows END) AS mean_full_rows,
                avg(CASE WHEN status = 'ok' THEN kv_peak_bytes END) AS mean_peak_bytes,
                max(kv_peak_bytes) AS max_peak_bytes,
                sum(CASE WHEN status = 'ok' AND complete THEN 0 ELSE generated_tokens END)
                  AS incomplete_tokens,
                percentile(tokens, 0.5) AS tokens_p50,
                percentile(tokens, 0.9) AS tokens_p90,
                percentile(tokens, 0.99) AS tokens_p99,
                max(tokens) AS tokens_max,
                percentile(decode_s, 0.5) AS decode_p50,
                percentile(decode_s, 0.9) AS decode_p90,
                percentile(decode_s, 0.99) AS decode_p99,
                max(decode_s) AS decode_max
              FROM (
                SELECT
                  *,
                  kv_mean_rows * generated_tokens AS row_steps,
                  CASE WHEN status = 'ok' THEN generated_tokens END AS tokens,
                  CASE WHEN status = 'ok' THEN decode_ms / 1000 END AS decode_s
                FROM report_rows
              )
              GROUP BY side
            ) a JOIN (
              SELECT side, sum(seconds) AS seconds
              FROM (
                SELECT
                  side,
                  run_id,
                  (max(unix_millis(finished_at))
                    - min(unix_millis(finished_at) - queue_ms - prefill_ms - decode_ms)) / 1000
                    AS seconds
                FROM report_rows
                GROUP BY side, run_id
              )
              GROUP BY side
            ) s ON a.side = s.side
            ORDER BY side
            """)) {
      found.put(Sql.side(row), of(row));
    }
    return found;
  }

  private static Overview of(Row row) {
    return new Overview(
        Sql.whole(row, "rows"),
        Sql.whole(row, "failed"),
        Sql.whole(row, "complete"),
        Share.of(row.getStruct(row.fieldIndex("verdict"))),
        Sql.whole(row, "prompt_tokens"),
        Sql.whole(row, "generated_tokens"),
        Sql.whole(row, "compressions"),
        Sql.number(row, "row_steps"),
        Sql.number(row, "full_row_steps"),
        Sql.number(row, "mean_peak_rows"),
        Sql.number(row, "mean_full_rows"),
        Sql.number(row, "mean_peak_bytes"),
        Sql.number(row, "max_peak_bytes"),
        Quantiles.of(row, "tokens"),
        Quantiles.of(row, "decode"),
        Sql.number(row, "seconds"),
        Sql.whole(row, "incomplete_tokens"));
  }
}
