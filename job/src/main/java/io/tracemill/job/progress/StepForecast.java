package io.tracemill.job.progress;

import io.tracemill.udf.ml.length.RunForecast;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Time to go from predicted lengths: the decode steps that a run needs, less those that it has
 * done, at the seconds that a step took so far.
 *
 * <p><b>Threads.</b> One at a time.
 */
public final class StepForecast {
  /** A few steps more or less of an engine's opening would count for much. */
  private static final double FEWEST_STEPS = 20;

  private final RunForecast forecast;
  private final RunForecast.Order order;
  private final long waveRows;
  private int lanes;
  private RunForecast.Steps steps;

  /**
   * A forecast of all rows of a run.
   *
   * @param order of the rows within a wave
   * @param waveRows rows of a wave
   */
  public StepForecast(RunForecast forecast, RunForecast.Order order, long waveRows) {
    this.forecast = Objects.requireNonNull(forecast, "forecast");
    this.order = Objects.requireNonNull(order, "order");
    this.waveRows = waveRows;
  }

  /**
   * The range; empty before enough steps are done, and after a run has taken longer than the whole
   * range.
   *
   * @param generating since the first token
   * @param stepsDone by each engine, on average
   * @param meanLanes rows that ran at once so far on all engines, at least 1
   */
  Optional<Eta> toGo(Duration generating, double stepsDone, int meanLanes) {
    if (stepsDone < FEWEST_STEPS) {
      return Optional.empty();
    }
    // Towards the end lanes run dry, which the forecast has in it: the fullest time counts. While
    // they fill up, not every lane more is worth a second of computing.
    if (steps == null || meanLanes > lanes + lanes / 20) {
      lanes = meanLanes;
      steps = forecast.steps(lanes, order, waveRows);
    }
    RunForecast.Steps left = steps.minus(stepsDone);
    if (left.high() <= 0) {
      return Optional.empty();
    }
    double millisOfStep = generating.toMillis() / stepsDone;
    return Optional.of(
        new Eta(
            Duration.ofMillis(Math.round(left.low() * millisOfStep)),
            Duration.ofMillis(Math.round(left.high() * millisOfStep))));
  }
}
