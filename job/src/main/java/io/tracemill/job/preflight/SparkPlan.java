package io.tracemill.job.preflight;

/**
 * How a run will use Spark.
 *
 * @param isLocal whether driver and tasks share one JVM
 * @param engines executors that have an engine
 * @param feeders tasks that run at once on one executor
 * @param partitions tasks of the generating stage
 * @param rows result rows that are due
 * @param slots of an engine
 * @param maxNewTokens token budget of a row
 * @param passesThroughDriver whether results are exported by way of the driver
 */
record SparkPlan(
    boolean isLocal,
    int engines,
    int feeders,
    int partitions,
    long rows,
    int slots,
    int maxNewTokens,
    boolean passesThroughDriver) {}
