package io.tracemill.udf.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TestTraceScores {
  private final long seed = Long.getLong("tests.seed", 5L);

  private static List<String> words(int count, int vocabulary, SplittableRandom random) {
    List<String> words = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      words.add("w" + random.nextInt(vocabulary));
    }
    return words;
  }

  @Test
  void entropyIsThatOfTheWordShares() {
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 20; round++) {
      List<String> words = words(1 + random.nextInt(400), 1 + random.nextInt(40), random);
      Map<String, Integer> counts = new HashMap<>();
      words.forEach(word -> counts.merge(word, 1, Integer::sum));
      double expected = 0;
      for (int count : counts.values()) {
        double p = (double) count / words.size();
        expected -= p * Math.log(p) / Math.log(2);
      }
      assertThat(TraceScores.entropyBits(String.join(" ", words)))
          .as("seed %d", seed)
          .isCloseTo(expected, within(1e-9));
    }
    assertThat(TraceScores.entropyBits("")).isZero();
    assertThat(TraceScores.entropyBits("a A a")).isZero();
    assertThat(TraceScores.entropyBits("a, b, c")).isGreaterThan(TraceScores.entropyBits("a a b"));
  }

  @Test
  void repetitionIsTheShareOfRunsSeenBefore() {
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 20; round++) {
      List<String> words = words(8 + random.nextInt(300), 2, random);
      Set<List<String>> distinct = new HashSet<>();
      int runs = words.size() - 7;
      for (int i = 0; i < runs; i++) {
        distinct.add(List.copyOf(words.subList(i, i + 8)));
      }
      assertThat(TraceScores.repetition(String.join(" ", words)))
          .as("seed %d", seed)
          .isEqualTo(1 - (double) distinct.size() / runs);
    }
    assertThat(TraceScores.repetition("too short to repeat")).isZero();
  }

  @Test
  void loopShareIsTheLongestSuffixOfThreeCopies() {
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < 40; round++) {
      List<String> words = words(1 + random.nextInt(40), 2, random);
      int n = words.size();
      int longest = 0;
      for (int length = 1; length <= n; length++) {
        List<String> suffix = words.subList(n - length, n);
        for (int period = 1; 3 * period <= length; period++) {
          boolean periodic = true;
          for (int i = period; i < length; i++) {
            periodic &= suffix.get(i).equals(suffix.get(i - period));
          }
          longest = periodic ? Math.max(longest, length) : longest;
        }
      }
      assertThat(TraceScores.loopShare(String.join(" ", words)))
          .as("seed %d: %s", seed, words)
          .isEqualTo((double) longest / n);
    }
    assertThat(TraceScores.loopShare("")).isZero();
    assertThat(TraceScores.loopShare("all different words here")).isZero();
  }

  @Test
  void wordsSplitAtPunctuation() {
    assertThat(TraceScores.wordCount("Wait, x=12!")).isEqualTo(6);
    assertThat(TraceScores.wordCount(" \n ")).isZero();
  }
}
