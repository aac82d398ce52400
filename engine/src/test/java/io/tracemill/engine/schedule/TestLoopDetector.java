package io.tracemill.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;

final class TestLoopDetector {
  private final LoopDetector detector = new LoopDetector(LoopRule.DEFAULT);

  @Test
  void aRepeatedPassageIsFoundAfterItsEighthRepetition() {
    assertThat(foundAt(4096, i -> i < 100 ? i : 7)).as("one token").isEqualTo(1152);
    assertThat(foundAt(8192, i -> i < 777 ? i : 10_000 + (i - 777) % 100))
        .as("a sentence")
        .isBetween(777 + 1024, 777 + 1024 + 64);
    assertThat(foundAt(8192, i -> i < 777 ? i : 10_000 + (i - 777) % 500))
        .as("a paragraph")
        .isBetween(777 + 4000, 777 + 4000 + 64);
  }

  @Test
  void ordinaryTablesListsAndNumbersAreNotCut() {
    assertThat(foundAt(8192, i -> i % 4 == 0 ? i / 4 : -(i % 4)))
        .as("a numbered list of equal words")
        .isEqualTo(-1);
    assertThat(foundAt(860, i -> i % 43 == 42 ? 9 : i % 2)).as("20 by 20 zeros").isEqualTo(-1);
    assertThat(foundAt(1023, i -> 5)).as("a rule of a thousand dashes").isEqualTo(-1);
    assertThat(foundAt(8192, i -> i % 520 == 0 ? i : i % 13))
        .as("a table whose rows repeat, with a running number")
        .isEqualTo(-1);
    assertThat(foundAt(8192, i -> i % 600))
        .as("a passage too long to be called a loop")
        .isEqualTo(-1);
    assertThat(foundAt(8192, i -> Integer.bitCount(i) & 1)).as("no period at all").isEqualTo(-1);
  }

  @Test
  void theVerdictEqualsATrialOfEveryPeriod() {
    Random random = TestSeeds.random("TestLoopDetector");
    LoopRule rule = new LoopRule(3, 12, 9, 1);
    LoopDetector small = new LoopDetector(rule);
    int found = 0;
    for (int round = 0; round < TestSeeds.iterations(3000); round++) {
      int period = 1 + random.nextInt(12);
      int[] tokens = new int[60];
      for (int i = 0; i < tokens.length; i++) {
        boolean copy = i >= period && random.nextInt(40) > 0;
        tokens[i] = copy ? tokens[i - period] : random.nextInt(3);
      }
      int count = 1 + random.nextInt(tokens.length);
      boolean expected = trial(rule, tokens, count);
      found += expected ? 1 : 0;
      assertThat(small.loops(tokens, count)).isEqualTo(expected);
    }
    assertThat(found).isGreaterThan(100);
  }

  private static boolean trial(LoopRule rule, int[] tokens, int count) {
    for (int period = 1; period <= rule.maxPeriodTokens(); period++) {
      int span = Math.max(rule.minTokens(), rule.minRepeats() * period);
      if (span > count) {
        continue;
      }
      boolean periodic = true;
      for (int i = count - span; i + period < count; i++) {
        periodic &= tokens[i] == tokens[i + period];
      }
      if (periodic) {
        return true;
      }
    }
    return false;
  }

  /** Length at which an output is cut; -1 for never. */
  private int foundAt(int length, IntUnaryOperator token) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = token.applyAsInt(i);
      if (detector.loops(tokens, i + 1)) {
        return i + 1;
      }
    }
    return -1;
  }
}
