package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class TestIncrementalDecoder {
  private static final long SEED = Long.getLong("tests.seed", System.nanoTime());

  private static Tokenizer tokenizer;

  @BeforeAll
  static void load() {
    tokenizer = Tokenizer.load(RecordedModel.directory());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void piecesOfRecordedOutputsAddUpToTheirText() {
    for (RecordedModel.Recorded recorded : RecordedModel.recorded()) {
      IncrementalDecoder decoder =
          new IncrementalDecoder(tokenizer, SpecialTokenOutput.THINKING_TAGS);
      StringBuilder text = new StringBuilder();
      for (int id : recorded.outputIds()) {
        text.append(decoder.append(id));
      }
      assertThat(text.append(decoder.finish()))
          .as(recorded.id())
          .hasToString(recorded.outputText());
    }
  }

  @Test
  void neverSplitsACharacter() {
    String text =
        "a\uD83D\uDC69\u200D\uD83D\uDC67 \u4F60\u597D caf\u00E9 \uD83C\uDDE9\uD83C\uDDEA!";
    int[] ids = tokenizer.encode(text);
    assertThat(ids.length)
        .as("characters must be spread over tokens")
        .isGreaterThan(text.codePointCount(0, text.length()));
    IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, SpecialTokenOutput.ALL);
    StringBuilder out = new StringBuilder();
    for (int id : ids) {
      String piece = decoder.append(id);
      assertThat(piece).doesNotContain("\uFFFD");
      assertThat(UnicodeChecks.loneSurrogate(piece)).isEqualTo(-1);
      out.append(piece);
    }
    assertThat(decoder.finish()).isEmpty();
    assertThat(out).hasToString(text);
  }

  @Test
  void anUnfinishedCharacterComesOutAtTheEndOnly() {
    int[] ids = tokenizer.encode("x\uD83D\uDE00");
    IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, SpecialTokenOutput.ALL);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < ids.length - 1; i++) {
      out.append(decoder.append(ids[i]));
    }
    assertThat(out).hasToString("x");
    assertThat(decoder.finish()).isEqualTo("\uFFFD");
  }

  @Test
  void piecesOfRandomIdsAddUpToTheTextOfAll() {
    // Random ids make every kind of broken UTF-8, which no text would.
    Random random = new Random(SEED);
    for (int round = 0; round < 400; round++) {
      int[] ids = new int[random.nextInt(120)];
      boolean bytesOnly = random.nextBoolean();
      for (int i = 0; i < ids.length; i++) {
        ids[i] = bytesOnly ? random.nextInt(256) : random.nextInt(683);
      }
      assertThat(pieces(ids)).as("seed %d, round %d", SEED, round).isEqualTo(tokenizer.decode(ids));
    }
  }

  @Test
  void brokenBytesWithoutEndKeepTheWindowShort() {
    int continuation = tokenizer.encode("\u4F60")[1];
    int[] ids = new int[20_000];
    Arrays.fill(ids, continuation);
    long begin = System.nanoTime();
    String text = pieces(ids);
    long millis = (System.nanoTime() - begin) / 1_000_000;
    assertThat(text).isEqualTo(tokenizer.decode(ids));
    // A window that grew with the output would decode 200 million ids here, for minutes.
    assertThat(millis).isLessThan(20_000);
  }

  @Test
  void specialTokensAreWrittenAsAsked() {
    int[] ids = {RecordedModel.THINK, 19, RecordedModel.END_THINK, 20, RecordedModel.IM_END};
    String four = tokenizer.decode(new int[] {19});
    String five = tokenizer.decode(new int[] {20});
    assertThat(pieces(ids, SpecialTokenOutput.ALL))
        .isEqualTo("<think>" + four + "</think>" + five + "<|im_end|>");
    assertThat(pieces(ids, SpecialTokenOutput.THINKING_TAGS))
        .isEqualTo("<think>" + four + "</think>" + five);
    assertThat(pieces(ids, SpecialTokenOutput.NONE)).isEqualTo(four + five);
    for (SpecialTokenOutput output : SpecialTokenOutput.values()) {
      assertThat(IncrementalDecoder.decode(tokenizer, output, ids)).isEqualTo(pieces(ids, output));
    }
  }

  @Test
  void aSkippedTokenInsideACharacterDoesNotBreakIt() {
    int[] ids = tokenizer.encode("\uD83D\uDE00");
    IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, SpecialTokenOutput.NONE);
    StringBuilder out = new StringBuilder();
    for (int id : ids) {
      out.append(decoder.append(id)).append(decoder.append(RecordedModel.IM_END));
    }
    assertThat(out).hasToString("\uD83D\uDE00");
  }

  private static String pieces(int[] ids) {
    return pieces(ids, SpecialTokenOutput.ALL);
  }

  private static String pieces(int[] ids, SpecialTokenOutput output) {
    IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, output);
    StringBuilder out = new StringBuilder();
    for (int id : ids) {
      out.append(decoder.append(id));
    }
    return out.append(decoder.finish()).toString();
  }
}
