package io.tracemill.job.output;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Sums over a run, read back from its table. A row of the input with n samples counts n times.
 *
 * @param rows result rows
 * @param failed of these, with status {@code error}
 * @param truncated outputs that ended without the model's own end
 * @param promptTokens tokens
 * @param generatedTokens tokens
 * @param compressions of all rows
 * @param kvMeanRows mean over rows of the rows a step attended to
 * @param kvPeakRows most rows any step attended to
 * @param kvSavedRatio share of a full cache's rows that no step attended to, over all rows
 */
public record RunTotals(
    long rows,
    long failed,
    long truncated,
    long promptTokens,
    long generatedTokens,
    long compressions,
    double kvMeanRows,
    long kvPeakRows,
    double kvSavedRatio) {
  /** Of a run that wrote nothing. */
  public static final RunTotals NONE = new RunTotals(0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Sums up one run of a traces table. */
  public static RunTotals of(Dataset<Row> traces, String runId) {
    Column ok = col("status").equalTo("ok");
    Column steps = when(ok, col("generated_tokens").cast("double"));
    // Rows attended = mean rows x steps; what a full cache attends to follows from the saved ratio.
    Column attended = col("kv_mean_rows").multiply(steps);
    Column fullAttended = attended.divide(lit(1.0).minus(col("kv_saved_ratio")));
    Row sums =
        traces
            .filter(col("run_id").equalTo(runId))
            .agg(
                count(lit(1)),
                count(when(ok, null).otherwise(1)),
                count(when(col("finish_reason").isin("length", "loop"), 1)),
                sum(col("prompt_tokens")),
                sum(col("generated_tokens")),
                sum(col("compressions")),
                coalesce(avg(when(ok, col("kv_mean_rows"))), lit(0.0)),
                max(col("kv_peak_rows")),
                coalesce(sum(attended), lit(0.0)),
                coalesce(sum(fullAttended), lit(0.0)))
            .head();
    if (sums.getLong(0) == 0) {
      return NONE;
    }
    double full = sums.getDouble(9);
    return new RunTotals(
        sums.getLong(0),
        sums.getLong(1),
        sums.getLong(2),
        sums.getLong(3),
        sums.getLong(4),
        sums.getLong(5),
        sums.getDouble(6),
        sums.getLong(7),
        full > 0 ? 1 - sums.getDouble(8) / full : 0);
  }
}
