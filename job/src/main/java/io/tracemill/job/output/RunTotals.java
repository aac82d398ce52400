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

import java.util.List;
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
    return ofRuns(perRun(traces).collectAsList());
  }

  /**
   * The sums of one run, and of all.
   *
   * @param own of the run
   * @param whole of the table
   */
  public record Both(RunTotals own, RunTotals whole) {}

  /** Sums up a run and the whole table in one pass. */
  public static Both of(Dataset<Row> traces, String runId) {
    List<Row> runs = perRun(traces).collectAsList();
    return new Both(
        ofRuns(runs.stream().filter(run -> run.getString(0).equals(runId)).toList()), ofRuns(runs));
  }

  private static Dataset<Row> perRun(Dataset<Row> traces) {
    Column ok = col("status").equalTo("ok");
    Column steps = when(ok, col("generated_tokens").cast("double"));
    // Rows attended = mean rows x steps; what a full cache attends to follows from the saved ratio.
    Column attended = col("kv_mean_rows").multiply(steps);
    Column fullAttended = attended.divide(lit(1.0).minus(col("kv_saved_ratio")));
    Column endMillis = unix_millis(col("finished_at"));
    Column spent = col("queue_ms").plus(col("prefill_ms")).plus(col("decode_ms"));
    return traces
        .groupBy(col("run_id"))
        .agg(
            count(lit(1)),
            count(when(ok, null).otherwise(1)),
            count(when(col("finish_reason").isin("length", "loop"), 1)),
            whole(sum(col("prompt_tokens"))),
            whole(sum(col("generated_tokens"))),
            whole(sum(col("compressions"))),
            decimal(sum(when(ok, col("kv_mean_rows")))),
            whole(max(col("kv_peak_rows"))),
            decimal(sum(attended)),
            decimal(sum(fullAttended)),
            decimal(max(endMillis).minus(min(endMillis.minus(spent)))));
  }

  private static RunTotals ofRuns(List<Row> runs) {
    long rows = wholes(runs, 1);
    long failed = wholes(runs, 2);
    double full = decimals(runs, 10);
    return new RunTotals(
        rows,
        failed,
        wholes(runs, 3),
        wholes(runs, 4),
        wholes(runs, 5),
        wholes(runs, 6),
        rows == failed ? 0 : decimals(runs, 7) / (rows - failed),
        runs.stream().mapToLong(run -> run.getLong(8)).max().orElse(0),
        full > 0 ? 1 - decimals(runs, 9) / full : 0,
        decimals(runs, 11) / 1_000);
  }

  private static long wholes(List<Row> runs, int column) {
    return runs.stream().mapToLong(run -> run.getLong(column)).sum();
  }

  private static double decimals(List<Row> runs, int column) {
    return runs.stream().mapToDouble(run -> run.getDouble(column)).sum();
  }

  private static Column whole(Column column) {
    return coalesce(column.cast("long"), lit(0L));
  }

  private static Column decimal(Column column) {
    return coalesce(column.cast("double"), lit(0.0));
  }
}
