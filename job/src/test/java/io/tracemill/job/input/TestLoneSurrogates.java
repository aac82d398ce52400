package io.tracemill.job.input;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;

class TestLoneSurrogates {
  @Test
  void halfPairsAreFoundAndWholePairsAreNot() {
    assertThat(LoneSurrogates.inJson("\"\\ud83d\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"\\ude80\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"\\ud83d \\ude80\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"\\ud83d\\ud83d\\ude80\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"x\\ud83d\\ude80\\ude80\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"\\ud83d\\ude80\"")).isFalse();
    assertThat(LoneSurrogates.inJson("\"\\uD83D\\uDE80 \\u00e9\"")).isFalse();
    assertThat(LoneSurrogates.inJson("\"plain\"")).isFalse();
  }

  @Test
  void anEscapedBackslashBeforeAUIsNoEscapeOfACharacter() {
    assertThat(LoneSurrogates.inJson("\"\\\\ud83d\"")).isFalse();
    assertThat(LoneSurrogates.inJson("\"\\\\\\ud83d\"")).isTrue();
    assertThat(LoneSurrogates.inJson("\"\\ud83\"")).isFalse();
    assertThat(LoneSurrogates.inJson("\\")).isFalse();
  }

  @Test
  void jsonFilesAreCutIntoLinesThatKeepHalfPairsVisible() {
    assertThat(lines("[{\"a\": 1},\n {\"a\": \"\\ud83d x\"}]"))
        .containsExactly("{\"a\":1}", "{\"a\":\"\\uD83D x\"}");
    assertThat(lines("{\"a\": 1}\n{\"b\": [2, {\"c\": 3}]}"))
        .containsExactly("{\"a\":1}", "{\"b\":[2,{\"c\":3}]}");
    assertThat(lines("[]")).isEmpty();
    assertThat(lines("")).isEmpty();
    assertThat(lines("[{\"a\": 1}, {\"a\" 2}]"))
        .hasSize(2)
        .last()
        .asString()
        .startsWith("unreadable from line 1 on: ");
  }

  private static List<String> lines(String document) {
    Iterator<String> lines = new JsonDocuments().call(document);
    List<String> all = new java.util.ArrayList<>();
    lines.forEachRemaining(all::add);
    return all;
  }
}
