package io.tracemill.udf.grade;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class TestVotes {
  @Test
  void answersCountByMeaning() {
    var camps =
        Votes.camps(Map.of("1/2", 2, "0.5", 3, "\\frac{2}{4}", 1, "2", 5, "sqrt(4)", 1, "x=2", 1));
    assertThat(camps).containsExactly(new Votes.Camp("2", 7), new Votes.Camp("0.5", 6));
  }

  @Test
  void equalCampsGoByTheAlphabet() {
    assertThat(Votes.camps(Map.of("b", 1, "a", 1, "c", 1)))
        .extracting(Votes.Camp::answer)
        .containsExactly("a", "b", "c");
    assertThat(Votes.camps(Map.of())).isEmpty();
  }

  @Test
  void manyDifferentAnswersAreStillCounted() {
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 1_000; i++) {
      counts.put("answer number " + i, 1);
    }
    counts.put("7", 2);
    counts.put("7.0", 2);
    assertThat(Votes.camps(counts).get(0)).isEqualTo(new Votes.Camp("7", 4));
    assertThat(Votes.camps(counts)).hasSize(1_001);
  }

  @Test
  void kvRatiosAreAbsentWhereTheyDivideByNothing() {
    assertThat(KvRatios.saved(4, 1)).contains(0.75);
    assertThat(KvRatios.saved(0, 0)).isEmpty();
    assertThat(KvRatios.compression(4, 1)).contains(4.0);
    assertThat(KvRatios.compression(4, 0)).isEmpty();
  }
}
