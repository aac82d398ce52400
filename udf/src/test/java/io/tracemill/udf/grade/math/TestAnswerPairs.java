package io.tracemill.udf.grade.math;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.grade.math.AnswerPairs.Pair;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestAnswerPairs {
  private final List<Pair> pairs = AnswerPairs.load();

  @Test
  void precisionAndRecallAreAsStated() {
    assertThat(pairs).hasSizeGreaterThan(600);
    measure("answer pairs", pairs);
  }

  @Test
  void theHeldOutPairsAreAsGood() {
    measure("held-out pairs", AnswerPairs.loadHeldOut());
  }

  private static void measure(String name, List<Pair> measured) {
    int truePositives = 0;
    int falsePositives = 0;
    int falseNegatives = 0;
    List<String> wrong = new ArrayList<>();
    for (Pair pair : measured) {
      MathAnswers.Match match = MathAnswers.compare(pair.first(), pair.second(), 0);
      truePositives += match.equal() && pair.same() ? 1 : 0;
      falsePositives += match.equal() && !pair.same() ? 1 : 0;
      falseNegatives += !match.equal() && pair.same() ? 1 : 0;
      if (match.equal() != pair.same()) {
        wrong.add(pair + " by " + match.rule());
      }
    }
    double precision = (double) truePositives / (truePositives + falsePositives);
    double recall = (double) truePositives / (truePositives + falseNegatives);
    System.out.printf(
        "%s: %d, precision %.4f, recall %.4f, wrong %s%n",
        name, measured.size(), precision, recall, wrong);
    assertThat(precision).as("%s", wrong).isGreaterThanOrEqualTo(0.99);
    assertThat(recall).as("%s", wrong).isGreaterThanOrEqualTo(0.97);
  }

  @Test
  void everyPairGivesTheSameVerdictInBothOrders() {
    for (Pair pair : pairs) {
      assertThat(MathAnswers.compare(pair.second(), pair.first(), 0).equal())
          .as("%s", pair)
          .isEqualTo(MathAnswers.compare(pair.first(), pair.second(), 0).equal());
    }
  }

  @Test
  void everyAnswerEqualsItself() {
    for (Pair pair : pairs) {
      assertThat(MathAnswers.compare(pair.first(), pair.first(), 0).equal()).isTrue();
      assertThat(MathAnswers.compare(pair.second(), pair.second(), 0).equal()).isTrue();
    }
  }

  @Test
  void equalNormalFormsMeanEqualAnswers() {
    int merged = 0;
    for (Pair pair : pairs) {
      if (MathAnswers.normalize(pair.first()).equals(MathAnswers.normalize(pair.second()))) {
        merged++;
        assertThat(MathAnswers.compare(pair.first(), pair.second(), 0).equal())
            .as("%s", pair)
            .isTrue();
      }
    }
    assertThat(merged).isGreaterThan(150);
  }

  @Test
  void noComparisonOfThePairsIsGivenUp() {
    for (Pair pair : pairs) {
      assertThat(MathAnswers.compare(pair.first(), pair.second(), 0).rule())
          .as("%s", pair)
          .isNotEqualTo(MatchRule.GIVEN_UP);
    }
  }
}
