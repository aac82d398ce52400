package io.tracemill.udf;

import io.tracemill.engine.api.GenerationResult;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
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
    PROMPT_TOKENS("tracemill prompt tokens read"),
    SHARED_PROMPT_TOKENS("tracemill prompt tokens shared"),
    GENERATED_TOKENS("tracemill tokens generated"),
    KV_ROWS_ATTENDED("tracemill KV rows attended"),
    KV_ROWS_OF_FULL_CACHE("tracemill KV rows of a full cache"),
    LANE_STEPS("tracemill lane steps"),
    SLOT_STEPS("tracemill slot steps"),
    USED_PAGE_STEPS("tracemill KV page steps used"),
    POOL_PAGE_STEPS("tracemill KV page steps of the pool");

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
  private final ExecutorLoad load;
  private final EngineDeaths deaths;

  private GenerationMetrics(
      List<LongAccumulator> accumulators, ExecutorLoad load, EngineDeaths deaths) {
    this.accumulators = accumulators;
    this.load = load;
    this.deaths = deaths;
  }

  /** Registers one accumulator per counter, the load of the executors and their ends. */
  public static GenerationMetrics register(SparkContext context) {
    return new GenerationMetrics(
        java.util.Arrays.stream(Counter.values())
            .map(counter -> context.longAccumulator(counter.label()))
            .toList(),
        ExecutorLoad.register(context),
        EngineDeaths.register(context));
  }

  /** How busy each executor is; its id names it in heartbeats. */
  public ExecutorLoad load() {
    return load;
  }

  /** Why engines died; its id names it in heartbeats. */
  public EngineDeaths deaths() {
    return deaths;
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
    add(Counter.PROMPT_TOKENS, delta.promptTokens());
    add(Counter.SHARED_PROMPT_TOKENS, delta.sharedPromptTokens());
    add(Counter.GENERATED_TOKENS, delta.generatedTokens());
    add(Counter.KV_ROWS_ATTENDED, delta.attendedRows());
    add(Counter.KV_ROWS_OF_FULL_CACHE, delta.fullAttendedRows());
    add(Counter.LANE_STEPS, delta.laneSteps());
    add(Counter.SLOT_STEPS, delta.slotSteps());
    add(Counter.USED_PAGE_STEPS, delta.usedPageSteps());
    add(Counter.POOL_PAGE_STEPS, delta.poolPageSteps());
  }

  /** Notes why the engine of this task's executor died. */
  public void died(String reason) {
    deaths.add(new EngineDeaths.Death(SparkEnv.get().executorId(), reason));
  }

  /** Counts what the engine did since any lease last asked, and notes how busy it is. */
  public void report(String executorId, EngineHolder.Lease lease) {
    count(lease.takeDelta());
    load.add(new ExecutorLoad.Report(executorId, lease.load()));
  }

  private void add(Counter counter, long amount) {
    if (amount != 0) {
      accumulators.get(counter.ordinal()).add(amount);
    }
  }
}
