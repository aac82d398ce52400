package io.tracemill.udf;

import io.tracemill.engine.api.GenerationResult;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/**
 * The counters of a run, as named Spark accumulators: they show on the stage's page and reach the
 * driver with every heartbeat of an executor. A task that is repeated counts again, so they are
 * telemetry; the table is the truth.
 */
public final class GenerationMetrics implements Serializable {
  private static final long serialVersionUID = 1L;

  /** The counters by name. */
  public enum Counter {
    ROWS_DONE("tracemill rows done"),
    ROWS_FAILED("tracemill rows failed"),
    GENERATED_TOKENS("tracemill tokens generated"),
    KV_ROWS_ATTENDED("tracemill KV rows attended"),
    KV_ROWS_OF_FULL_CACHE("tracemill KV rows of a full cache"),
    LANE_STEPS("tracemill lane steps"),
    SLOT_STEPS("tracemill slot steps");

    private final String label;

    Counter(String label) {
      this.label = label;
    }

    /** The accumulator's name in Spark's UI. */
    public String label() {
      return label;
    }
  }

  private final List<LongAccumulator> accumulators;

  private GenerationMetrics(List<LongAccumulator> accumulators) {
    this.accumulators = accumulators;
  }

  /** Registers one accumulator per counter. */
  public static GenerationMetrics register(SparkContext context) {
    return new GenerationMetrics(
        java.util.Arrays.stream(Counter.values())
            .map(counter -> context.longAccumulator(counter.label()))
            .toList());
  }

  /** The accumulator's id, by which heartbeats name it. */
  public long id(Counter counter) {
    return accumulators.get(counter.ordinal()).id();
  }

  /** The value that the driver knows: of finished tasks. */
  public long value(Counter counter) {
    return accumulators.get(counter.ordinal()).value();
  }

  /** Counts one result that leaves the engine. */
  public void count(GenerationResult result) {
    add(Counter.ROWS_DONE, 1);
    if (result.error().isPresent()) {
      add(Counter.ROWS_FAILED, 1);
    }
  }

  /** Counts what the engine did since it was last asked. */
  public void count(EngineDelta delta) {
    add(Counter.GENERATED_TOKENS, delta.generatedTokens());
    add(Counter.KV_ROWS_ATTENDED, delta.attendedRows());
    add(Counter.KV_ROWS_OF_FULL_CACHE, delta.fullAttendedRows());
    add(Counter.LANE_STEPS, delta.laneSteps());
    add(Counter.SLOT_STEPS, delta.slotSteps());
  }

  private void add(Counter counter, long amount) {
    if (amount != 0) {
      accumulators.get(counter.ordinal()).add(amount);
    }
  }
}
