package io.tracemill.job.progress;

import io.tracemill.job.output.TimelinePoint;
import io.tracemill.udf.LoadSample;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the engines of a run were doing over its time, kept small however long it takes: an executor
 * has at most {@value #MOST_POINTS} points. Where one more would come, neighbours are merged by
 * their time-weighted mean and points become twice as long from then on.
 *
 * <p>A point is the span between two samples of an executor. The first sample opens a span only
 * where the engine was opened during the run; what an engine did for an earlier run is not counted.
 *
 * <p><b>Threads.</b> All methods may be called from any thread.
 */
public final class Timeline {
  /** Most points of an executor. */
  static final int MOST_POINTS = 240;

  private static final long FIRST_POINT_MILLIS = 1_000;

  private final long startMillis;
  private final Map<String, Track> tracks = new TreeMap<>();

  /** The time line of a run that begins now or began at {@code start}. */
  public Timeline(Instant start) {
    this.startMillis = start.toEpochMilli();
  }

  /** Adds the newest sample of an executor; one that is not newer than the last is left out. */
  public synchronized void add(String executorId, LoadSample sample) {
    tracks.computeIfAbsent(executorId, id -> new Track(startMillis)).add(sample);
  }

  /** All points in order of time. */
  public synchronized List<TimelinePoint> points() {
    List<TimelinePoint> points = new ArrayList<>();
    tracks.forEach(
        (executor, track) -> track.spans.forEach(span -> points.add(span.point(executor))));
    points.sort(Comparator.comparing(TimelinePoint::at).thenComparing(TimelinePoint::executorId));
    return points;
  }

  /**
   * What each executor did last.
   *
   * @param withinMillis executors that were silent for longer than this before the newest sample of
   *     all are left out: they are gone
   */
  synchronized Map<String, Now> newest(long withinMillis) {
    long newest =
        tracks.values().stream().mapToLong(track -> track.last.atMillis()).max().orElse(0);
    Map<String, Now> found = new TreeMap<>();
    tracks.forEach(
        (executor, track) -> {
          if (track.last.atMillis() >= newest - withinMillis) {
            found.put(executor, track.now);
          }
        });
    return found;
  }

  /**
   * An executor between its last two samples.
   *
   * @param slotsUsed mean number of slots in use
   * @param slots of its engine
   * @param kvPagesUsed pages in use
   * @param kvPages of its engine
   * @param tokensPerSecond speed
   */
  record Now(double slotsUsed, int slots, long kvPagesUsed, long kvPages, double tokensPerSecond) {}

  private static final class Track {
    private final long startMillis;
    private List<Span> spans = new ArrayList<>();
    private long pointMillis = FIRST_POINT_MILLIS;
    private LoadSample last;
    private Now now;

    private Track(long startMillis) {
      this.startMillis = startMillis;
    }

    private void add(LoadSample sample) {
      if (last != null && sample.atMillis() <= last.atMillis()) {
        return;
      }
      boolean isReopened = last != null && sample.slotSeconds() < last.slotSeconds();
      if (last == null || isReopened) {
        first(sample, isReopened ? last.atMillis() : startMillis);
      } else {
        span(last, sample);
      }
      last = sample;
    }

    /** The first sample of an engine: it stands for the time since the engine was opened. */
    private void first(LoadSample sample, long sinceMillis) {
      now = new Now(0, sample.slots(), sample.kvPagesUsed(), sample.kvPages(), 0);
      long openMillis = Math.round(1_000 * sample.slotSeconds() / Math.max(1, sample.slots()));
      long opened = sample.atMillis() - openMillis;
      if (opened >= sinceMillis && openMillis > 0) {
        span(new LoadSample(opened, 0, 0, sample.slots(), 0, 0, sample.kvPages(), 0), sample);
      }
    }

    private void span(LoadSample from, LoadSample to) {
      double share = Math.max(0, Math.min(1, to.occupancySince(from)));
      double seconds = (to.atMillis() - from.atMillis()) / 1_000.0;
      double speed = Math.max(0, to.generatedTokens() - from.generatedTokens()) / seconds;
      Span span =
          new Span(
              from.atMillis(),
              to.atMillis(),
              share * to.slots(),
              to.slots(),
              to.waiting(),
              to.kvPagesUsed(),
              to.kvPages(),
              speed);
      now = new Now(span.slotsUsed, to.slots(), to.kvPagesUsed(), to.kvPages(), speed);
      int newest = spans.size() - 1;
      if (newest >= 0 && spans.get(newest).millis() < pointMillis) {
        spans.set(newest, spans.get(newest).with(span));
      } else {
        spans.add(span);
      }
      if (spans.size() > MOST_POINTS) {
        halve();
      }
    }

    private void halve() {
      List<Span> merged = new ArrayList<>();
      for (int i = 0; i < spans.size(); i += 2) {
        merged.add(i + 1 < spans.size() ? spans.get(i).with(spans.get(i + 1)) : spans.get(i));
      }
      spans = merged;
      pointMillis *= 2;
    }
  }

  private record Span(
      long fromMillis,
      long toMillis,
      double slotsUsed,
      int slots,
      double waiting,
      double kvPagesUsed,
      long kvPages,
      double tokensPerSecond) {
    private long millis() {
      return toMillis - fromMillis;
    }

    private Span with(Span next) {
      double weight = (double) millis() / (millis() + next.millis());
      return new Span(
          fromMillis,
          next.toMillis,
          mean(weight, slotsUsed, next.slotsUsed),
          next.slots,
          mean(weight, waiting, next.waiting),
          mean(weight, kvPagesUsed, next.kvPagesUsed),
          next.kvPages,
          mean(weight, tokensPerSecond, next.tokensPerSecond));
    }

    private static double mean(double weight, double one, double other) {
      return weight * one + (1 - weight) * other;
    }

    private TimelinePoint point(String executor) {
      return new TimelinePoint(
          Instant.ofEpochMilli(toMillis),
          executor,
          slotsUsed,
          slots,
          Math.round(waiting),
          Math.round(kvPagesUsed),
          kvPages,
          tokensPerSecond);
    }
  }
}
