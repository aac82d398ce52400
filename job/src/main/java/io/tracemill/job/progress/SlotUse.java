package io.tracemill.job.progress;

import io.tracemill.job.output.TimelinePoint;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** How well a run kept its engines busy, from its time line. */
public final class SlotUse {
  /** Fewer rows than this many times the slots cannot keep them full. */
  private static final int ROWS_PER_SLOT = 4;

  private SlotUse() {}

  /**
   * The mean share of slots in use, weighted by time; empty for a run too short to tell.
   *
   * @param points in order of time; the span of an executor's first is taken to be that of its
   *     second
   */
  public static OptionalDouble of(List<TimelinePoint> points) {
    Map<String, TimelinePoint> before = new HashMap<>();
    Map<String, TimelinePoint> first = new HashMap<>();
    double used = 0;
    double all = 0;
    for (TimelinePoint point : points) {
      TimelinePoint earlier = before.put(point.executorId(), point);
      if (earlier == null) {
        first.put(point.executorId(), point);
        continue;
      }
      long millis = point.at().toEpochMilli() - earlier.at().toEpochMilli();
      used += point.slotsUsed() * millis;
      all += (double) point.slots() * millis;
      TimelinePoint opening = first.remove(point.executorId());
      if (opening != null) {
        used += opening.slotsUsed() * millis;
        all += (double) opening.slots() * millis;
      }
    }
    return all == 0 ? OptionalDouble.empty() : OptionalDouble.of(used / all);
  }

  /** One sentence where a run with rows enough left most slots empty. */
  public static Optional<String> warning(List<TimelinePoint> points, long rows) {
    OptionalDouble share = of(points);
    long slots =
        points.stream()
            .collect(
                java.util.stream.Collectors.toMap(
                    TimelinePoint::executorId, TimelinePoint::slots, Math::max))
            .values()
            .stream()
            .mapToLong(Integer::longValue)
            .sum();
    if (share.isEmpty()
        || share.getAsDouble() >= ProgressLine.BADLY_USED
        || rows < ROWS_PER_SLOT * slots) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            Locale.ROOT,
            "Slots were used to %.0f %% only: give an engine more tasks to feed it"
                + " (spark.executor.cores), more KV cache (--kv-memory-fraction) or fewer --slots;"
                + " column timeline of the runs table shows when.",
            100 * share.getAsDouble()));
  }
}
