package io.tracemill.job.run;

import io.tracemill.job.session.SparkSessions;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/**
 * The executors of an application as they are now.
 *
 * @param isLocal whether driver and tasks share one JVM
 * @param engines executors, each with an engine; 0 where none has come yet
 * @param feeders tasks that run at once on one executor
 * @param parallelism tasks that run at once on all executors, as Spark expects them
 */
public record ClusterShape(boolean isLocal, int engines, int feeders, int parallelism) {

  /** Looks at an application. */
  public static ClusterShape of(SparkContext context) {
    int parallelism = context.defaultParallelism();
    if (SparkSessions.isLocal(context.master())) {
      return new ClusterShape(true, 1, parallelism, parallelism);
    }
    int engines = context.statusTracker().getExecutorInfos().length - 1;
    return new ClusterShape(
        false, Math.max(0, engines), feeders(context.conf(), parallelism), parallelism);
  }

  /** Tasks that run at once on all executors, at least 1. */
  int tasksAtOnce() {
    return isLocal ? parallelism : Math.max(1, engines) * feeders;
  }

  /** Both the cores and the shares of a card limit how many tasks an executor runs. */
  static int feeders(SparkConf conf, int otherwise) {
    int cpus = conf.getInt("spark.task.cpus", 1);
    int byCores = Math.max(1, conf.getInt("spark.executor.cores", otherwise) / cpus);
    double share = conf.getDouble("spark.task.resource.gpu.amount", 0);
    return share <= 0 ? byCores : Math.max(1, Math.min(byCores, (int) (1 / share)));
  }

  /** Tasks of the generating stage: those that were asked for, else as many as keep slots full. */
  public int partitions(JobArguments arguments, long rows) {
    return arguments.partitions() > 0
        ? arguments.partitions()
        : PartitionPlan.partitions(rows, parallelism, feeders, arguments.engine().slots());
  }
}
