package io.tracemill.udf;

import io.tracemill.engine.EngineSnapshot;
import java.io.Serializable;
import java.util.Locale;

/**
 * How busy the engine of an executor is: what holds now, and integrals since the engine was opened.
 * The difference of two samples of one executor gives the averages between them; a later sample
 * with lower integrals comes from an engine that was opened after the other's.
 *
 * @param atMillis when it was taken, in milliseconds since 1970 by the executor's clock
 * @param slotsUsedSeconds sum over slots of the seconds that sequences held them
 * @param slotSeconds sum over slots of the seconds since the engine was opened
 * @param slots sequences that can run at once
 * @param waiting requests that wait for a slot now
 * @param kvPagesUsed KV pages in use now
 * @param kvPages KV pages of the pool
 * @param generatedTokens tokens generated since the engine was opened
 */
public record LoadSample(
    long atMillis,
    double slotsUsedSeconds,
    double slotSeconds,
    int slots,
    long waiting,
    long kvPagesUsed,
    long kvPages,
    long generatedTokens)
    implements Serializable {

  /** The load that an engine's counters tell of. */
  static LoadSample of(EngineSnapshot now, long atMillis) {
    return new LoadSample(
        atMillis,
        now.laneSeconds(),
        now.openSeconds() * now.slots(),
        now.slots(),
        now.waiting(),
        now.usedPages(),
        now.totalPages(),
        now.generatedTokens());
  }

  /** The later one; of two at the same time, the one that has seen more. */
  static LoadSample later(LoadSample a, LoadSample b) {
    if (a.atMillis != b.atMillis) {
      return a.atMillis > b.atMillis ? a : b;
    }
    return a.slotSeconds >= b.slotSeconds ? a : b;
  }

  /** Mean share of the slots in use since the engine was opened, in [0, 1]. */
  public double occupancy() {
    return slotSeconds <= 0 ? 0 : slotsUsedSeconds / slotSeconds;
  }

  /** Mean share of the slots in use since an earlier sample of the same engine, in [0, 1]. */
  public double occupancySince(LoadSample earlier) {
    double span = slotSeconds - earlier.slotSeconds;
    return span <= 0 ? 0 : (slotsUsedSeconds - earlier.slotsUsedSeconds) / span;
  }

  /** For Spark's stage page. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%.0f %% of %d slots, %d waiting, KV %d of %d pages, %d tokens",
        100 * occupancy(),
        slots,
        waiting,
        kvPagesUsed,
        kvPages,
        generatedTokens);
  }
}
