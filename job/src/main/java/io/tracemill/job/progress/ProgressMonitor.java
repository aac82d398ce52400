package io.tracemill.job.progress;

import io.tracemill.udf.GenerationMetrics.Counter;
import java.time.Duration;
import java.util.Locale;
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

  private final LiveCounters counters;
  private final Console console;
  private final long rows;
  private final int slots;
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

  /**
   * Starts printing.
   *
   * @param rows result rows that are due
   * @param slots rows that can run at once, on all executors
   * @param onFailedRows told the number of failed rows at every tick
   */
  public ProgressMonitor(
      LiveCounters counters, Console console, long rows, int slots, LongConsumer onFailedRows) {
    this.counters = counters;
    this.console = console;
    this.rows = rows;
    this.slots = slots;
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
    if (tokens != lastTokens) {
      double speed = (tokens - lastTokens) / ((now - lastNanos) / 1e9);
      recentTokensPerSecond =
          recentTokensPerSecond == 0 ? speed : 0.7 * recentTokensPerSecond + 0.3 * speed;
      lastTokens = tokens;
      lastNanos = now;
    }
  }

  private String line() {
    long done = counters.value(Counter.ROWS_DONE);
    Duration elapsed = Duration.ofNanos(System.nanoTime() - startNanos);
    return line(
        new Sample(
            done,
            counters.value(Counter.ROWS_FAILED),
            rows,
            recentTokensPerSecond,
            counters.value(Counter.KV_ROWS_ATTENDED),
            counters.value(Counter.KV_ROWS_OF_FULL_CACHE),
            counters.value(Counter.LANE_STEPS),
            counters.value(Counter.SLOT_STEPS),
            slots,
            elapsed));
  }

  /** What a progress line is made of. */
  record Sample(
      long done,
      long failed,
      long rows,
      double tokensPerSecond,
      long kvRows,
      long kvFullRows,
      long laneSteps,
      long slotSteps,
      int slots,
      Duration elapsed) {}

  static String line(Sample now) {
    return String.format(
        Locale.ROOT,
        "%,d/%,d rows  %,d failed  %,.0f tokens/s  slots %s  KV saved %s  %s elapsed, %s to go",
        now.done(),
        now.rows(),
        now.failed(),
        now.tokensPerSecond(),
        percent(now.laneSteps(), now.slotSteps()),
        percent(now.kvFullRows() - now.kvRows(), now.kvFullRows()),
        Eta.clock(now.elapsed()),
        Eta.of(now.elapsed(), now.done(), now.rows(), lanes(now)).map(Eta::label).orElse("?"));
  }

  /** Lanes that were in use on average. */
  private static int lanes(Sample now) {
    return now.slotSteps() <= 0
        ? now.slots()
        : (int) Math.max(1, Math.round((double) now.slots() * now.laneSteps() / now.slotSteps()));
  }

  private static String percent(long part, long whole) {
    return whole <= 0 ? "-" : Math.round(100.0 * part / whole) + " %";
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
