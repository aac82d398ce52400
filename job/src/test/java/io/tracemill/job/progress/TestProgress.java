package io.tracemill.job.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TestProgress {
  private static Timeline.Now engine(double slotsUsed, double tokensPerSecond) {
    return new Timeline.Now(slotsUsed, 16, 30, 60, tokensPerSecond);
  }

  private static ProgressLine.Sample sample(long done, Map<String, Timeline.Now> executors) {
    return new ProgressLine.Sample(
        done,
        2,
        2_000,
        2310.4,
        700,
        1_000,
        29,
        32,
        executors,
        Duration.ofSeconds(65),
        Duration.ofSeconds(60),
        Optional.empty());
  }

  @Test
  void aLineSaysRowsFailuresSpeedOfEachExecutorSlotsCacheAndTimeToGo() {
    assertThat(
            ProgressLine.of(
                sample(
                    118, new TreeMap<>(Map.of("1", engine(16, 1_300), "2", engine(13.6, 1_010))))))
        .isEqualTo(
            "118/2,000 rows  2 failed  2,310 tokens/s"
                + " (1: 1,300, 2: 1,010)  slots 30/32  KV full 50 %  KV saved 30 %  1:05 elapsed, 14:01-19:19 to go");
    assertThat(
            ProgressLine.of(
                new ProgressLine.Sample(
                    0,
                    0,
                    10,
                    0,
                    0,
                    0,
                    32,
                    32,
                    Map.of(),
                    Duration.ofSeconds(1),
                    Duration.ZERO,
                    Optional.empty())))
        .isEqualTo(
            "0/10 rows  0 failed  0 tokens/s  slots -/32  KV full -  KV saved -  0:01 elapsed, ?"
                + " to go");
  }

  @Test
  void aLineWarnsOfSlotsThatStandEmptyWhileRowsWait() {
    assertThat(ProgressLine.of(sample(100, Map.of("driver", engine(4, 100)))))
        .endsWith("(slots badly used)");
    assertThat(ProgressLine.of(sample(1_990, Map.of("driver", engine(4, 100)))))
        .doesNotContain("badly");
    assertThat(ProgressLine.of(sample(100, Map.of("driver", engine(15, 100)))))
        .doesNotContain("badly");
  }

  @Test
  void manyExecutorsAreSummedUp() {
    Map<String, Timeline.Now> many = new TreeMap<>();
    for (int i = 1; i <= 8; i++) {
      many.put(Integer.toString(i), engine(16, 100 * i));
    }
    assertThat(ProgressLine.of(sample(100, many)))
        .contains("2,310 tokens/s (8 executors, 100-800 each)  slots 128/128");
  }

  @Test
  void theRangeNarrowsAsRowsFinishAndEndsAtZero() {
    assertThat(Eta.of(Duration.ofMinutes(1), 2, 100, 8)).isEmpty();
    Duration early = width(Eta.of(Duration.ofMinutes(10), 10, 1_000, 8).orElseThrow());
    Duration late = width(Eta.of(Duration.ofMinutes(10), 900, 1_000, 8).orElseThrow());
    assertThat(late).isLessThan(early);
    assertThat(Eta.of(Duration.ofMinutes(10), 10, 10, 8).orElseThrow().label()).isEqualTo("0:00");
    assertThat(Eta.clock(Duration.ofSeconds(3_725))).isEqualTo("1:02:05");
  }

  /** Rows of exponential length on 16 slots: the truth should lie in the range most of the time. */
  @Test
  void theRangeHoldsTheTruthForRowsOfVeryDifferentLengths() {
    long seed = Long.getLong("tests.seed", 42);
    Random random = new Random(seed);
    int inside = 0;
    int trials = 400;
    for (int trial = 0; trial < trials; trial++) {
      double[] ends = ends(random, 16, 400);
      double whole = Arrays.stream(ends).max().orElseThrow();
      double now = whole * 0.3;
      long done = Arrays.stream(ends).filter(end -> end <= now).count();
      Eta eta =
          Eta.of(Duration.ofMillis(Math.round(now * 1_000)), done, ends.length, 16).orElseThrow();
      double truth = (whole - now) * 1_000;
      if (eta.soonest().toMillis() <= truth && truth <= eta.latest().toMillis()) {
        inside++;
      }
    }
    assertThat(inside)
        .as("of %d trials, seed %d", trials, seed)
        .isBetween(trials * 85 / 100, trials * 96 / 100);
  }

  @Test
  void aTerminalRewritesItsLineAndAFileGetsLines() {
    assertThat(printed(Console.Screen.TERMINAL)).isEqualTo("\r\033[Kone\r\033[Ktwo\r\033[Kdone\n");
    assertThat(printed(Console.Screen.PLAIN)).isEqualTo("one\ntwo\ndone\n");
  }

  private static String printed(Console.Screen screen) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Console console = new Console(new PrintStream(bytes, true, StandardCharsets.UTF_8), screen);
    console.progress("one");
    console.progress("two");
    console.print("done");
    return bytes.toString(StandardCharsets.UTF_8);
  }

  private static double[] ends(Random random, int slots, int rows) {
    double[] free = new double[slots];
    double[] ends = new double[rows];
    for (int i = 0; i < rows; i++) {
      Arrays.sort(free);
      ends[i] = free[0] - Math.log(1 - random.nextDouble());
      free[0] = ends[i];
    }
    return ends;
  }

  private static Duration width(Eta eta) {
    return eta.latest().minus(eta.soonest());
  }
}
