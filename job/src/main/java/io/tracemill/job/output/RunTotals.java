package io.tracemill.job.output;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.max;
import static org.apache.spark.sql.functions.min;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.unix_millis;
import static org.apache.spark.sql.functions.when;

import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Sums over one or more runs, read back from their table. A row of the input with n samples counts
 * n times.
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
 * @param generatingSeconds from the first row's arrival at an engine to the last row's end
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
    double kvSavedRatio,
    double generatingSeconds) {
  /** Of a run that wrote nothing. */
  public static final RunTotals NONE = new RunTotals(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Generated tokens over the generating time; 0 where there was none. */
  public double tokensPerSecond() {
    return generatingSeconds > 0 ? generatedTokens / generatingSeconds : 0;
  }

  /** Sums up the runs of a traces table; pauses between runs are no generating time. */
  public static RunTotals of(Dataset<Row> traces) {
    Column ok = col("status").equalTo("ok");
    Column steps = when(ok, col("generated_tokens").cast("double"));
    // Rows attended = mean rows x steps; what a full cache attends to follows from the saved ratio.
    Column attended = col("kv_mean_rows").multiply(steps);
    Column fullAttended = attended.divide(lit(1.0).minus(col("kv_saved_ratio")));
    Column endMillis = unix_millis(col("finished_at"));
    Column spent = col("queue_ms").plus(col("prefill_ms")).plus(col("decode_ms"));
    Row sums =
        traces
            .groupBy(col("run_id"))
            .agg(
                count(lit(1)).as("rows"),
                count(when(ok, null).otherwise(1)).as("failed"),
                count(when(col("finish_reason").isin("length", "loop"), 1)).as("truncated"),
                sum(col("prompt_tokens")).as("prompt_tokens"),
                sum(col("generated_tokens")).as("generated_tokens"),
                sum(col("compressions")).as("compressions"),
                sum(when(ok, col("kv_mean_rows"))).as("mean_rows"),
                max(col("kv_peak_rows")).as("peak_rows"),
                sum(attended).as("attended"),
                sum(fullAttended).as("full_attended"),
                max(endMillis).minus(min(endMillis.minus(spent))).as("millis"))
            .agg(
                whole("rows"),
                whole("failed"),
                whole("truncated"),
                whole("prompt_tokens"),
                whole("generated_tokens"),
                whole("compressions"),
                decimal("mean_rows"),
                coalesce(max(col("peak_rows")), lit(0L)),
                decimal("attended"),
                decimal("full_attended"),
                decimal("millis"))
            .head();
    long completed = sums.getLong(0) - sums.getLong(1);
    double full = sums.getDouble(9);
    return new RunTotals(
        sums.getLong(0),
        sums.getLong(1),
        sums.getLong(2),
        sums.getLong(3),
        sums.getLong(4),
        sums.getLong(5),
        completed == 0 ? 0 : sums.getDouble(6) / completed,
        sums.getLong(7),
        full > 0 ? 1 - sums.getDouble(8) / full : 0,
        sums.getDouble(10) / 1_000);
  }

  private static Column whole(String column) {
    return coalesce(sum(col(column)), lit(0L));
  }

  private static Column decimal(String column) {
    return coalesce(sum(col(column).cast("double")), lit(0.0));
  }
}
