package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TestStopStrings {
  @Test
  void findsAStringAcrossPieces() {
    StopStrings.Watcher watcher = new StopStrings(List.of("\n\nUser:")).watch();
    assertThat(watcher.append("fine\n")).isEmpty();
    assertThat(watcher.append("\nUs")).isEmpty();
    assertThat(watcher.append("er: hi")).contains(new StopStrings.Match("\n\nUser:", 4));
  }

  @Test
  void theFirstToBeCompleteWins() {
    StopStrings.Watcher watcher = new StopStrings(List.of("long stop", "stop")).watch();
    assertThat(watcher.append("a long stop")).contains(new StopStrings.Match("long stop", 2));
    assertThat(new StopStrings(List.of("abcd", "bc")).watch().append("abcd"))
        .contains(new StopStrings.Match("bc", 1));
  }

  @Test
  void aSingleCharacterStops() {
    StopStrings.Watcher watcher = new StopStrings(List.of("x")).watch();
    assertThat(watcher.append("ab")).isEmpty();
    assertThat(watcher.append("cxd")).contains(new StopStrings.Match("x", 3));
  }

  @Test
  void nothingToStopAtNeverStops() {
    assertThat(StopStrings.NONE.isEmpty()).isTrue();
    assertThat(StopStrings.NONE.watch().append("anything")).isEmpty();
  }

  @Test
  void anEmptyStopStringIsRefused() {
    assertThatThrownBy(() -> new StopStrings(List.of("a", "")))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("a stop string is empty");
  }

  @Test
  void howTheTextIsCutMakesNoDifference() {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      List<String> stops = new ArrayList<>();
      for (int i = random.nextInt(4); i >= 0; i--) {
        stops.add(word(random, 1 + random.nextInt(5)));
      }
      String text = word(random, random.nextInt(40));
      Optional<StopStrings.Match> expected = naive(stops, text);
      StopStrings.Watcher watcher = new StopStrings(stops).watch();
      Optional<StopStrings.Match> found = Optional.empty();
      for (int at = 0; at < text.length() && found.isEmpty(); ) {
        int next = Math.min(text.length(), at + 1 + random.nextInt(6));
        found = watcher.append(text.substring(at, next));
        at = next;
      }
      assertThat(found).as("seed %d: %s in %s", seed, stops, text).isEqualTo(expected);
    }
  }

  private static String word(Random random, int length) {
    StringBuilder word = new StringBuilder();
    for (int i = 0; i < length; i++) {
      word.append("abc".charAt(random.nextInt(3)));
    }
    return word.toString();
  }

  private static Optional<StopStrings.Match> naive(List<String> stops, String text) {
    for (int end = 1; end <= text.length(); end++) {
      for (int begin = 0; begin < end; begin++) {
        if (stops.contains(text.substring(begin, end))) {
          return Optional.of(new StopStrings.Match(text.substring(begin, end), begin));
        }
      }
    }
    return Optional.empty();
  }
}
