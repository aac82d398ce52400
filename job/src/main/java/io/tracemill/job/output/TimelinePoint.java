package io.tracemill.job.output;

import java.time.Instant;
import java.util.Objects;

/**
 * What one executor's engine was doing at one moment of a run; a list of them is the {@code
 * timeline} column of the runs table.
 *
 * @param at when it was measured
 * @param executorId Spark's name of the executor
 * @param slotsUsed sequences that decoded, as a mean since the point before; from 0 to {@code
 *     slots}
 * @param slots sequences that can decode at once
 * @param waiting requests that were submitted and had no slot
 * @param kvPagesUsed pages of the KV cache that held rows
 * @param kvPages pages of the KV cache
 * @param tokensPerSecond generated since the point before, over the time between
 */
public record TimelinePoint(
    Instant at,
    String executorId,
    double slotsUsed,
    int slots,
    long waiting,
    long kvPagesUsed,
    long kvPages,
    double tokensPerSecond) {
  public TimelinePoint {
    Objects.requireNonNull(at, "at");
    Objects.requireNonNull(executorId, "executorId");
    if (slots < 0 || waiting < 0 || kvPagesUsed < 0 || kvPages < 0) {
      throw new IllegalArgumentException(
          "negative among %d slots, %d waiting, %d of %d KV pages"
              .formatted(slots, waiting, kvPagesUsed, kvPages));
    }
    if (!(slotsUsed >= 0) || !(tokensPerSecond >= 0)) {
      throw new IllegalArgumentException(
          slotsUsed + " slots used, " + tokensPerSecond + " tokens/s; neither may be negative");
    }
  }
}
