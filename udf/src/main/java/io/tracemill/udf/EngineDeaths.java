package io.tracemill.udf;

import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.SparkContext;
import org.apache.spark.util.AccumulatorV2;

/**
 * Why engines died, one sentence by Spark's executor id. An executor whose engine is dead ends with
 * an exit code that says nothing; the reason travels ahead of it, as accumulators do: with the
 * heartbeats of the tasks that wait there for the end.
 *
 * <p><b>Threads.</b> Values are immutable; a heartbeat that reads while a task writes sees the old
 * or the new one.
 */
public final class EngineDeaths extends AccumulatorV2<EngineDeaths.Death, Map<String, String>> {
  /** What an executor ends with whose engine is dead. */
  public static final int EXIT_CODE = DyingProcess.EXIT_CODE;

  private static final long serialVersionUID = 1L;
  private static final String NAME = "tracemill dead engines";

  private volatile Map<String, String> reasons;

  /** The end of one executor's engine. */
  public record Death(String executorId, String reason) implements java.io.Serializable {}

  private EngineDeaths(Map<String, String> reasons) {
    this.reasons = reasons;
  }

  /** Registers an empty one with Spark. */
  public static EngineDeaths register(SparkContext context) {
    EngineDeaths deaths = new EngineDeaths(Map.of());
    context.register(deaths, NAME);
    return deaths;
  }

  @Override
  public boolean isZero() {
    return reasons.isEmpty();
  }

  @Override
  public EngineDeaths copy() {
    return new EngineDeaths(reasons);
  }

  @Override
  public void reset() {
    reasons = Map.of();
  }

  @Override
  public synchronized void add(Death death) {
    mergeIn(Map.of(death.executorId(), death.reason()));
  }

  @Override
  public synchronized void merge(AccumulatorV2<Death, Map<String, String>> other) {
    mergeIn(other.value());
  }

  /** By executor id, sorted; immutable. */
  @Override
  public Map<String, String> value() {
    return reasons;
  }

  private void mergeIn(Map<String, String> others) {
    Map<String, String> merged = new TreeMap<>(reasons);
    others.forEach(merged::putIfAbsent);
    reasons = java.util.Collections.unmodifiableMap(merged);
  }
}
