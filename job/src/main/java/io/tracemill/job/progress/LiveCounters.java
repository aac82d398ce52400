package io.tracemill.job.progress;

import io.tracemill.udf.GenerationMetrics;
import io.tracemill.udf.GenerationMetrics.Counter;
import io.tracemill.udf.LoadSample;
import java.time.Instant;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The counters of a run as they stand, tasks that still run included: executors report them with
 * every heartbeat. Rows of failed attempts are taken back, their tokens are not.
 */
public final class LiveCounters extends SparkListener {
  private final Map<Long, Counter> counterOf = new HashMap<>();
  private final Map<Long, Map<Counter, Long>> byTask = new HashMap<>();
  private final long loadId;
  private final Timeline timeline = new Timeline(Instant.now());

  /** Listens for the counters of one run, which begins now. */
  public LiveCounters(GenerationMetrics metrics) {
    loadId = metrics.load().id();
    for (Counter counter : Counter.values()) {
      counterOf.put(metrics.id(counter), counter);
    }
  }

  @Override
  public synchronized void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    CollectionConverters.asJava(update.accumUpdates())
        .forEach(
            task ->
                CollectionConverters.asJava(task._4())
                    .forEach(info -> record(((Number) task._1()).longValue(), info)));
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    long task = end.taskInfo().taskId();
    CollectionConverters.asJava(end.taskInfo().accumulables()).forEach(info -> record(task, info));
    if (!end.taskInfo().successful() && byTask.containsKey(task)) {
      byTask.get(task).remove(Counter.ROWS_DONE);
      byTask.get(task).remove(Counter.ROWS_FAILED);
    }
  }

  private void record(long task, AccumulableInfo info) {
    if (info.id() == loadId && info.update().isDefined()) {
      if (info.update().get() instanceof Map<?, ?> samples) {
        samples.forEach((executor, load) -> timeline.add((String) executor, (LoadSample) load));
      }
      return;
    }
    Counter counter = counterOf.get(info.id());
    if (counter != null && info.update().isDefined()) {
      long value = Long.parseLong(info.update().get().toString());
      byTask.computeIfAbsent(task, t -> new EnumMap<>(Counter.class)).put(counter, value);
    }
  }

  /** What the executors' engines were doing. */
  public Timeline timeline() {
    return timeline;
  }

  /** The sum over all tasks. */
  public synchronized long value(Counter counter) {
    return byTask.values().stream().mapToLong(task -> task.getOrDefault(counter, 0L)).sum();
  }
}
