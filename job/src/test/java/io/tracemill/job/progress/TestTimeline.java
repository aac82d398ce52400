package io.tracemill.job.progress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.job.output.TimelinePoint;
import io.tracemill.udf.LoadSample;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestTimeline {
  private static final long START = 1_000_000;
  private static final int SLOTS = 4;

  private final Timeline timeline = new Timeline(Instant.ofEpochMilli(START));

  /** An engine that was opened at the start of the run. */
  private static LoadSample sample(
      double seconds, double slotsUsedSeconds, long pages, long tokens) {
    return new LoadSample(
        START + Math.round(seconds * 1_000),
        slotsUsedSeconds,
        seconds * SLOTS,
        SLOTS,
        3,
        pages,
        100,
        tokens);
  }

  @Test
  void aPointIsTheMeanBetweenTwoSamples() {
    timeline.add("1", sample(2, 4, 10, 100));
    timeline.add("1", sample(4, 12, 50, 500));
    timeline.add("1", sample(4, 12, 50, 500)); // Tasks of one executor report the same.
    timeline.add("2", sample(4, 1, 5, 40));
    assertThat(timeline.points())
        .containsExactly(
            new TimelinePoint(Instant.ofEpochMilli(START + 2_000), "1", 2, 4, 3, 10, 100, 50),
            new TimelinePoint(Instant.ofEpochMilli(START + 4_000), "1", 4, 4, 3, 50, 100, 200),
            new TimelinePoint(Instant.ofEpochMilli(START + 4_000), "2", 0.25, 4, 3, 5, 100, 10));
    // A single point does not say how long it was.
    assertThat(SlotUse.of(timeline.points()).getAsDouble()).isEqualTo(0.75);
    assertThat(SlotUse.of(List.of())).isEmpty();
    assertThat(timeline.newest(1_000).keySet()).containsExactly("1", "2");
    assertThat(timeline.newest(1_000).get("1").tokensPerSecond()).isEqualTo(200);
  }

  @Test
  void whatAnEngineDidForAnEarlierRunIsNotCounted() {
    LoadSample warm = new LoadSample(START + 1_000, 4_000, 40_000, SLOTS, 0, 0, 100, 90_000);
    timeline.add("driver", warm);
    assertThat(timeline.points()).isEmpty();
    timeline.add("driver", new LoadSample(START + 2_000, 4_002, 40_004, SLOTS, 0, 7, 100, 90_050));
    assertThat(timeline.points())
        .containsExactly(
            new TimelinePoint(Instant.ofEpochMilli(START + 2_000), "driver", 2, 4, 0, 7, 100, 50));
  }

  @Test
  void anEngineThatIsOpenedAgainGoesOnFromItsOpening() {
    timeline.add("1", sample(10, 40, 10, 1_000));
    timeline.add("1", new LoadSample(START + 14_000, 2, 8, SLOTS, 0, 1, 100, 20));
    List<TimelinePoint> points = timeline.points();
    assertThat(points).hasSize(2);
    assertThat(points.get(1).slotsUsed()).isEqualTo(1);
    assertThat(points.get(1).tokensPerSecond()).isEqualTo(10);
  }

  @Test
  void executorsThatFellSilentAreNotShown() {
    timeline.add("1", sample(1, 1, 1, 1));
    timeline.add("2", sample(100, 1, 1, 1));
    assertThat(timeline.newest(30_000).keySet()).containsExactly("2");
  }

  /** A week of samples every ten seconds, and a minute of samples every 50 ms. */
  @Test
  void theLongestRunHasFewPointsWhoseWeightedMeanIsThatOfAllSamples() {
    long seed = Long.getLong("tests.seed", 42);
    Random random = new Random(seed);
    for (double step : new double[] {10, 0.05}) {
      Timeline week = new Timeline(Instant.ofEpochMilli(START));
      int samples = step > 1 ? 60_480 : 1_200;
      double used = 0;
      long tokens = 0;
      for (int i = 1; i <= samples; i++) {
        used += random.nextDouble() * SLOTS * step;
        tokens += random.nextInt(1_000);
        week.add("1", sample(i * step, used, random.nextInt(100), tokens));
      }
      List<TimelinePoint> points = week.points();
      assertThat(points).as("seed %d", seed).hasSizeBetween(20, Timeline.MOST_POINTS);
      double sum = 0;
      double sumTokens = 0;
      long from = START;
      for (TimelinePoint point : points) {
        long millis = point.at().toEpochMilli() - from;
        assertThat(millis).isPositive();
        sum += point.slotsUsed() * millis;
        sumTokens += point.tokensPerSecond() * millis / 1_000;
        from = point.at().toEpochMilli();
      }
      assertThat(sum / 1_000).as("seed %d", seed).isCloseTo(used, within(used * 1e-6));
      assertThat(sumTokens).as("seed %d", seed).isCloseTo(tokens, within(tokens * 1e-6));
    }
  }
}
