package io.tracemill.job.error;

import io.tracemill.job.error.JobException.Kind;
import java.util.Map;
import java.util.stream.Collectors;

/** Spark's settings and clusters on which a run cannot start or go on. */
public final class ClusterErrors {
  private static final int MOST_REASONS = 3;

  private ClusterErrors() {}

  /** Speculative execution, which would generate hours of rows twice. */
  public static JobException speculation() {
    return Sentences.usage(
        "spark.speculation is on, which would generate slow rows twice; start with --conf"
            + " spark.speculation=false.");
  }

  /** Several GPUs for an executor. */
  public static JobException severalGpus(String key, int gpus) {
    return Sentences.usage(
        "%s is %d, but an executor runs one engine on one GPU; set it to 1 and start more executors."
            .formatted(key, gpus));
  }

  /** A share of a GPU for tasks of executors without one. */
  public static JobException taskGpuWithoutExecutorGpu(String taskKey, String executorKey) {
    return Sentences.usage(
        "%s is set without %s, so that no task could ever start; set %s to 1."
            .formatted(taskKey, executorKey, executorKey));
  }

  /** Executors that do not come. */
  public static JobException noExecutor(String master, long seconds) {
    return Sentences.usage(
        "No executor of %s has come within %d seconds; look at its page for free cores, memory and"
                .formatted(master, seconds)
            + " GPUs, and ask for less or wait.");
  }

  /** An engine that an executor cannot open. */
  public static JobException noEngine(String executor, String message) {
    return Sentences.usage(
        "The engine of %s cannot be opened: %s".formatted(executor, Sentences.sentence(message)));
  }

  /** Prompts that a cache cannot hold. */
  public static JobException cacheTooSmall(int promptTokens, int budgetTokens, long rows) {
    return Sentences.usage(
        String.format(
            java.util.Locale.ROOT,
            "A row of %,d prompt tokens and --max-new-tokens %,d does not fit the KV cache of %,d"
                + " rows; raise --kv-memory or lower --max-new-tokens.",
            promptTokens,
            budgetTokens,
            rows));
  }

  /** A sample of which every row failed. */
  public static JobException sampleFailed(int rows, String message) {
    return Sentences.usage(
        "%s of the sample failed: %s"
            .formatted(
                rows == 1 ? "The one row" : "All %d rows".formatted(rows),
                Sentences.sentence(message)));
  }

  /** A Spark session that lacks Delta's classes. */
  public static JobException noDelta() {
    return Sentences.usage(
        "Delta Lake is not on Spark's class path; add --packages io.delta:delta-spark_4.1_2.13:4.4.0"
            + " or write --output-format parquet.");
  }

  /**
   * Generation that ended because engines died again and again.
   *
   * @param reasons by executor; empty where none was heard
   */
  public static JobException enginesDied(Map<String, String> reasons, Throwable cause) {
    String why =
        reasons.isEmpty()
            ? "see the executors' logs"
            : reasons.entrySet().stream()
                .limit(MOST_REASONS)
                .map(
                    reason ->
                        "executor " + reason.getKey() + ": " + Sentences.bare(reason.getValue()))
                .collect(Collectors.joining("; "));
    return new JobException(
        Kind.FAILED,
        "The run failed: engines died and took their executors along more often than"
            + " spark.task.maxFailures allows (%s%s)."
                .formatted(why, reasons.size() > MOST_REASONS ? "; and others" : ""),
        cause);
  }
}
