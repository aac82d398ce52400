package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestThinkingSplitter {
  private static Tokenizer tokenizer;
  private static ThinkingSplitter splitter;

  @BeforeAll
  static void load() {
    tokenizer = Tokenizer.load(RecordedModel.directory());
    splitter = new ThinkingSplitter(tokenizer);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void dividesRecordedOutputs() {
    for (RecordedModel.Recorded recorded : RecordedModel.recorded()) {
      ThinkingSplit split =
          splitter.split(recorded.outputText(), recorded.outputIds(), ThinkingStart.IN_THINKING);
      assertThat(split.thinking()).startsWith("I need").doesNotContain("</think>");
      assertThat(split.answer()).hasValueSatisfying(answer -> assertThat(answer).contains("boxed"));
      assertThat(AnswerExtractor.extract(split)).as(recorded.id()).contains(recorded.boxed());
      assertThat(recorded.outputIds()[split.thinkingTokens() - 1])
          .isEqualTo(RecordedModel.END_THINK);
      assertThat(split.thinkingTokens() + split.answerTokens())
          .isEqualTo(recorded.outputIds().length);
    }
  }

  @Test
  void aThoughtThatIsNeverClosedHasNoAnswer() {
    ThinkingSplit split = split("still thinking", ThinkingStart.IN_THINKING);
    assertThat(split.thinking()).isEqualTo("still thinking");
    assertThat(split.answer()).isEmpty();
    assertThat(split.answerTokens()).isZero();
    assertThat(split("<think>\nstill", ThinkingStart.OUTSIDE).thinking()).isEqualTo("still");
    assertThat(split("<think>\nstill", ThinkingStart.OUTSIDE).answer()).isEmpty();
  }

  @Test
  void anOutputWithoutTagsIsAllAnswer() {
    ThinkingSplit split = split(" just this\n", ThinkingStart.OUTSIDE);
    assertThat(split.thinking()).isEmpty();
    assertThat(split.answer()).contains("just this");
    assertThat(split.thinkingTokens()).isZero();
    assertThat(split.answerTokens()).isEqualTo(tokenizer.encode(" just this\n").length);
  }

  @Test
  void tagsOfTheModelItselfAreRemoved() {
    ThinkingSplit split = split("<think>\na\n</think>\n\nb", ThinkingStart.OUTSIDE);
    assertThat(split.thinking()).isEqualTo("a");
    assertThat(split.answer()).contains("b");
    int[] thought = tokenizer.encode("<think>\na\n</think>");
    assertThat(split.thinkingTokens()).isEqualTo(thought.length);
  }

  @Test
  void anEmptyThoughtLeavesTheAnswer() {
    ThinkingSplit split = split("\n</think>\n\nb", ThinkingStart.IN_THINKING);
    assertThat(split.thinking()).isEmpty();
    assertThat(split.answer()).contains("b");
  }

  @Test
  void anEmptyAnswerIsPresentAndEmpty() {
    ThinkingSplit split = split("a</think>", ThinkingStart.IN_THINKING);
    assertThat(split.answer()).contains("");
    assertThat(AnswerExtractor.extract(split)).isEmpty();
  }

  @Test
  void repeatedAndNestedTagsEndAtTheLastClosingTag() {
    assertThat(split("<think>a<think>b</think>c</think>d", ThinkingStart.OUTSIDE))
        .satisfies(
            split -> {
              assertThat(split.thinking()).isEqualTo("a<think>b</think>c");
              assertThat(split.answer()).contains("d");
            });
    assertThat(split("a</think>b</think>c", ThinkingStart.IN_THINKING).answer()).contains("c");
    assertThat(split("no tag opened</think>c", ThinkingStart.OUTSIDE).thinking())
        .isEqualTo("no tag opened");
  }

  @Test
  void aThoughtThatBeginsAnewAndNeverEndsTakesTheAnswerBack() {
    ThinkingSplit split = split("a</think>It is 5.<think>wait", ThinkingStart.IN_THINKING);
    assertThat(split.answer()).isEmpty();
    assertThat(split.answerTokens()).isZero();
  }

  @Test
  void textCutAtAStopStringKeepsItsTagsCount() {
    int[] ids = tokenizer.encode("a</think>b END c</think>d");
    ThinkingSplit split = splitter.split("a</think>b ", ids, ThinkingStart.IN_THINKING);
    assertThat(split.answer()).contains("b");
    assertThat(ids[split.thinkingTokens() - 1]).isEqualTo(RecordedModel.END_THINK);
    assertThat(split.thinkingTokens()).isEqualTo(tokenizer.encode("a</think>").length);
  }

  @Test
  void tagsOfOrdinaryTokensAreCountedByTheirText(@TempDir Path folder) throws Exception {
    Path file = RecordedModel.copyTo(folder).resolve("tokenizer.json");
    Files.writeString(
        file,
        Files.readString(file)
            .replace("\"<think>\"", "\"<other>\"")
            .replace("\"</think>\"", "\"</other>\""));
    try (Tokenizer without = Tokenizer.load(folder)) {
      assertThat(without.addedTokenId("</think>")).isEmpty();
      String text = "some thought</think>\n\nthe answer";
      int[] ids = without.encode(text);
      ThinkingSplit split =
          new ThinkingSplitter(without).split(text, ids, ThinkingStart.IN_THINKING);
      String thought = without.decode(Arrays.copyOf(ids, split.thinkingTokens()));
      assertThat(thought).startsWith("some thought</think>");
      assertThat(without.decode(Arrays.copyOf(ids, split.thinkingTokens() - 1)))
          .doesNotContain("</think>");
    }
  }

  @Test
  void thePromptTellsWhereTheOutputBegins() {
    assertThat(ThinkingStart.after("<|im_start|>assistant\n<think>\n"))
        .isEqualTo(ThinkingStart.IN_THINKING);
    assertThat(ThinkingStart.after("<|im_start|>assistant\n<think>\n\n</think>\n\n"))
        .isEqualTo(ThinkingStart.OUTSIDE);
    assertThat(ThinkingStart.after("<|im_start|>assistant\n")).isEqualTo(ThinkingStart.OUTSIDE);
  }

  private static ThinkingSplit split(String text, ThinkingStart start) {
    int[] ids = tokenizer.encode(text);
    ThinkingSplit split = splitter.split(text, ids, start);
    assertThat(split.thinkingTokens() + split.answerTokens()).isEqualTo(ids.length);
    return split;
  }
}
