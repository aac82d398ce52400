package io.tracemill.udf;

import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.util.AccumulatorV2;

/**
 * The newest {@link LoadSample} of each executor, by Spark's executor id. It travels as
 * accumulators do: with each heartbeat while a task runs, and with the task's end.
 *
 * <p>A sample counts from the opening of its engine, not of its task. All tasks of an executor
 * therefore report the same figures, merging keeps the newest one, and a repeated or failed task
 * counts nothing twice.
 *
 * <p><b>Threads.</b> Values are immutable; a heartbeat that reads while a task writes sees the old
 * or the new one.
 */
public final class ExecutorLoad
    extends AccumulatorV2<ExecutorLoad.Report, Map<String, LoadSample>> {
  private static final long serialVersionUID = 1L;
  private static final String NAME = "tracemill executors";

  private volatile Map<String, LoadSample> newest;

  /** One executor's sample. */
  public record Report(String executorId, LoadSample sample) implements java.io.Serializable {}

  private ExecutorLoad(Map<String, LoadSample> newest) {
    this.newest = newest;
  }

  /** Registers an empty one with Spark. */
  public static ExecutorLoad register(SparkContext context) {
    ExecutorLoad load = new ExecutorLoad(Map.of());
    context.register(load, NAME);
    return load;
  }

  @Override
  public boolean isZero() {
    return newest.isEmpty();
  }

  @Override
  public ExecutorLoad copy() {
    return new ExecutorLoad(newest);
  }

  @Override
  public void reset() {
    newest = Map.of();
  }

  @Override
  public synchronized void add(Report report) {
    mergeIn(Map.of(report.executorId(), report.sample()));
  }

  @Override
  public synchronized void merge(AccumulatorV2<Report, Map<String, LoadSample>> other) {
    mergeIn(other.value());
  }

  /** By executor id, sorted; immutable. */
  @Override
  public Map<String, LoadSample> value() {
    return newest;
  }

  private void mergeIn(Map<String, LoadSample> others) {
    Map<String, LoadSample> merged = new TreeMap<>(newest);
    others.forEach((executor, sample) -> merged.merge(executor, sample, LoadSample::later));
    newest = java.util.Collections.unmodifiableMap(merged);
  }
}
