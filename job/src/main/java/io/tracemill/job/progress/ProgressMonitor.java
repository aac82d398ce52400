package io.tracemill.job.progress;

import io.tracemill.udf.GenerationMetrics.Counter;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/**
 * Prints how a run goes while it goes: every second on a terminal, every ten seconds elsewhere.
 * Closing it stops the printing.
 */
public final class ProgressMonitor implements AutoCloseable {
  private static final long TICK_MILLIS = 1_000;
  private static final int TICKS_BETWEEN_PLAIN_LINES = 10;

  /** An executor that has not been heard of for three heartbeats of Spark's default is gone. */
  private static final long SILENT_MILLIS = 30_000;

  private final LiveCounters counters;
  private final Console console;
  private final long rows;
  private final int slots;
  private final Optional<StepForecast> forecast;
  private final LongConsumer onFailedRows;
  private final long startNanos = System.nanoTime();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "tracemill-progress");
            thread.setDaemon(true);
            return thread;
          });

  // Touched by the clock's thread only.
  private int ticks;
  private long lastTokens;
  private long lastNanos = startNanos;
  private double recentTokensPerSecond;
  private long firstTokenNanos;

  /**
   * Starts printing.
   *
   * @param rows result rows that are due
   * @param slots rows that can run at once, on all executors
   * @param forecast from predicted lengths; empty for an estimate from the rows done
   * @param onFailedRows told the number of failed rows at every tick
   */
  public ProgressMonitor(
      LiveCounters counters,
      Console console,
      long rows,
      int slots,
      Optional<StepForecast> forecast,
      LongConsumer onFailedRows) {
    this.counters = counters;
    this.console = console;
    this.rows = rows;
    this.slots = slots;
    this.forecast = forecast;
    this.onFailedRows = onFailedRows;
    clock.scheduleAtFixedRate(this::tick, TICK_MILLIS, TICK_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void tick() {
    ticks++;
    measureSpeed();
    onFailedRows.accept(counters.value(Counter.ROWS_FAILED));
    if (console.screen() == Console.Screen.TERMINAL || ticks % TICKS_BETWEEN_PLAIN_LINES == 0) {
      console.progress(line());
    }
  }

  /** Smoothed over a few seconds, since counters arrive in bursts. */
  private void measureSpeed() {
    long tokens = counters.value(Counter.GENERATED_TOKENS);
    long now = System.nanoTime();
    if (firstTokenNanos == 0 && tokens > 0) {
      firstTokenNanos = lastNanos; // The last look at which there were none.
    }
    if (tokens == 0) {
      lastNanos = now;
    }
    if (tokens != lastTokens) {
      double speed = (tokens - lastTokens) / ((now - lastNanos) / 1e9);
      recentTokensPerSecond =
          recentTokensPerSecond == 0 ? speed : 0.7 * recentTokensPerSecond + 0.3 * speed;
      lastTokens = tokens;
      lastNanos = now;
    }
  }

  private String line() {
    long now = System.nanoTime();
    Duration generating =
        firstTokenNanos == 0 ? Duration.ZERO : Duration.ofNanos(now - firstTokenNanos);
    return ProgressLine.of(
        new ProgressLine.Sample(
            counters.value(Counter.ROWS_DONE),
            counters.value(Counter.ROWS_FAILED),
            rows,
            recentTokensPerSecond,
            counters.value(Counter.KV_ROWS_ATTENDED),
            counters.value(Counter.KV_ROWS_OF_FULL_CACHE),
            meanLanes(),
            slots,
            counters.timeline().newest(SILENT_MILLIS),
            Duration.ofNanos(now - startNanos),
            generating,
            forecast.flatMap(steps -> steps.toGo(generating, stepsDone(), meanLanes()))));
  }

  /** Decode steps of an engine, on average over all. */
  private double stepsDone() {
    return (double) counters.value(Counter.SLOT_STEPS) / Math.max(1, slots);
  }

  /** Rows that ran at once on average, on all executors. */
  private int meanLanes() {
    long slotSteps = counters.value(Counter.SLOT_STEPS);
    double share = slotSteps <= 0 ? 1 : (double) counters.value(Counter.LANE_STEPS) / slotSteps;
    return (int) Math.max(1, Math.round(share * slots));
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
