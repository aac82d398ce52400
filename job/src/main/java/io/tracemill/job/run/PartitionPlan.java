package io.tracemill.job.run;

/** How many tasks generate. */
final class PartitionPlan {
  /** Below this a task costs more than it is worth. */
  private static final long FEWEST_ROWS = 16;

  private PartitionPlan() {}

  /**
   * The number of partitions.
   *
   * <p>The feeders of an engine should have four times its slots between them, so that a batch does
   * not drain whenever one of them ends; beyond that, smaller partitions lose less when a task is
   * repeated and leave a shorter tail.
   *
   * @param rows result rows
   * @param parallelism tasks that run at once on all executors
   * @param feedersPerEngine tasks that run at once on one executor
   * @param slots of an engine
   */
  static int partitions(long rows, int parallelism, int feedersPerEngine, int slots) {
    long rowsOfTask = Math.max(FEWEST_ROWS, 4L * slots / Math.max(1, feedersPerEngine));
    long wanted = (rows + rowsOfTask - 1) / rowsOfTask;
    long atLeast = Math.min(parallelism, rows);
    return (int) Math.max(1, Math.min(100_000, Math.max(wanted, atLeast)));
  }
}
