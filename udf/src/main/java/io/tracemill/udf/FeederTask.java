package io.tracemill.udf;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.KvPolicySettings;
import java.util.Iterator;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;

/**
 * A Spark task as a feeder of its executor's engine: joins the engine, keeps rows for two fills of
 * its slots inside it, and withdraws what is outstanding when the task ends, however it ends.
 *
 * <p><b>Threads.</b> The task's own thread only.
 *
 * @param <R> what travels with each piece of work
 */
public final class FeederTask<R> implements Iterator<Work.Done<R>> {
  private static final long PREFETCH_BYTES = 64L << 20;
  private static final long REPORT_NANOS = 250_000_000;

  private final TaskContext task;
  private final EngineHolder.Lease lease;
  private final GenerationMetrics metrics;
  private final FeederIterator<R> results;
  private long lastReportNanos = System.nanoTime();

  private FeederTask(
      TaskContext task,
      EngineHolder.Lease lease,
      GenerationMetrics metrics,
      Iterator<Work<R>> work,
      int prefetchRows) {
    this.task = task;
    this.lease = lease;
    this.metrics = metrics;
    lease.tellOfDeath(metrics::died);
    Feeder feeder = lease.feeder();
    this.results =
        new FeederIterator<>(work, feeder, prefetchRows, PREFETCH_BYTES, this::heartbeat);
  }

  /**
   * Joins the executor's engine, or opens it, and registers the end of the task.
   *
   * @param policy that requests will name where they do not name their own
   * @throws io.tracemill.engine.error.ReasoningException where the engine cannot be opened, runs
   *     with other settings or cannot run the policy
   */
  public static <R> FeederTask<R> start(
      EngineSettings engine,
      EngineOpener opener,
      KvPolicySettings policy,
      Iterator<Work<R>> work,
      GenerationMetrics metrics) {
    TaskContext task = TaskContext.get();
    EngineHolder.Lease lease =
        EngineHolder.lease(engine, opener.inTask(task), policy, task::isInterrupted);
    FeederTask<R> started = new FeederTask<>(task, lease, metrics, work, 2 * engine.slots());
    task.addTaskCompletionListener(
        ended -> {
          started.end();
        });
    return started;
  }

  @Override
  public boolean hasNext() {
    return results.hasNext();
  }

  @Override
  public Work.Done<R> next() {
    Work.Done<R> done = results.next();
    metrics.count(done.result());
    return done;
  }

  /** The backend's name. */
  public String backend() {
    return lease.backend();
  }

  /** Identity of the accelerator; empty for a CPU. */
  public Optional<String> deviceUuid() {
    return lease.deviceUuid();
  }

  private void heartbeat() {
    if (task.isInterrupted()) {
      throw new TaskKilledException("the task was cancelled");
    }
    if (System.nanoTime() - lastReportNanos > REPORT_NANOS) {
      lastReportNanos = System.nanoTime();
      metrics.report(SparkEnv.get().executorId(), lease);
    }
  }

  private void end() {
    results.close();
    metrics.report(SparkEnv.get().executorId(), lease);
    lease.close();
  }
}
