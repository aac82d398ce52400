package io.tracemill.engine.schedule;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Notices a backend call that does not return. It adds up the time it has seen one call under way
 * itself, a look at a time, so that a pause of the whole process is not taken for a call that
 * hangs. Opening a backend is not a call: a model may load for as long as it takes.
 */
final class Watchdog {
  private static final int LOOKS_PER_LIMIT = 20;
  private static final long LONGEST_PERIOD_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final CallClock calls;
  private final long limitNanos;
  private final long periodNanos;
  private final LongSupplier nanoClock;
  private final Consumer<String> onHang;
  private long seenCall;
  private long seenNanos;
  private long lastLookNanos;

  /**
   * A watchdog that nobody runs yet.
   *
   * @param limit how long a call may take
   * @param onHang told once what has not returned, as a clause
   */
  Watchdog(CallClock calls, Duration limit, LongSupplier nanoClock, Consumer<String> onHang) {
    this.calls = calls;
    this.limitNanos = limit.toNanos();
    this.periodNanos = Math.max(1, Math.min(limitNanos / LOOKS_PER_LIMIT, LONGEST_PERIOD_NANOS));
    this.nanoClock = nanoClock;
    this.onHang = onHang;
    this.lastLookNanos = nanoClock.getAsLong();
  }

  /** Looks until a call hangs or the thread is interrupted. */
  void run() {
    try {
      while (!look()) {
        TimeUnit.NANOSECONDS.sleep(periodNanos);
      }
    } catch (InterruptedException e) {
      // The engine has ended.
      Thread.currentThread().interrupt();
    }
  }

  /** Whether a call hangs. */
  boolean look() {
    long now = nanoClock.getAsLong();
    long passed = Math.min(now - lastLookNanos, 2 * periodNanos);
    lastLookNanos = now;
    long call = calls.underWay();
    if (call == 0 || call != seenCall) {
      seenCall = call;
      seenNanos = 0;
      return false;
    }
    seenNanos += passed;
    if (seenNanos < limitNanos) {
      return false;
    }
    onHang.accept(calls.describe());
    return true;
  }
}
