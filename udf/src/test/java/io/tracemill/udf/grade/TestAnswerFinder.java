package io.tracemill.udf.grade;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class TestAnswerFinder {
  @Test
  void theAnswerStandsBehindTheThinking() {
    assertThat(AnswerFinder.answer("<think>\\boxed{1}</think>It is \\boxed{2}.")).contains("2");
    assertThat(AnswerFinder.answer("<think>a</think>\nSo\n42\n")).contains("42");
    assertThat(AnswerFinder.answer("no tags, \\boxed{3}")).contains("3");
    assertThat(AnswerFinder.answer("<think>\\boxed{1} and on")).isEmpty();
    assertThat(AnswerFinder.answer("<think>a</think>  ")).isEmpty();
    assertThat(AnswerFinder.answer("")).isEmpty();
  }

  @Test
  void choicesComeFromTheBoxTheStatementOrTheLastLine() {
    assertThat(AnswerFinder.choice("\\boxed{\\text{(C)}}")).contains("C");
    assertThat(AnswerFinder.choice("\\boxed{B}")).contains("B");
    assertThat(AnswerFinder.choice("\\boxed{\\textbf{(D) }12}")).contains("D");
    assertThat(AnswerFinder.choice("Answer: B")).contains("B");
    assertThat(AnswerFinder.choice("The correct answer is **(E)**.")).contains("E");
    assertThat(AnswerFinder.choice("first answer is A, no: the answer is option C")).contains("C");
    assertThat(AnswerFinder.choice("long text\n(B)\n")).contains("B");
    assertThat(AnswerFinder.choice("long text\nB.")).contains("B");
  }

  @Test
  void wordsAreNoChoices() {
    assertThat(AnswerFinder.choice("the answer is a prime number")).isEmpty();
    assertThat(AnswerFinder.choice("The answer is Berlin")).isEmpty();
    assertThat(AnswerFinder.choice("\\boxed{42}")).isEmpty();
    assertThat(AnswerFinder.choice("")).isEmpty();
  }

  @Test
  void jsonFieldsComeFromTheLastObjectThatHasThem() {
    assertThat(AnswerFinder.json("{\"answer\": 1} then {\"answer\": \"2\"} {\"x\": 3}", "answer"))
        .contains("2");
    assertThat(AnswerFinder.json("```json\n{\"a\": {\"b\": [1, 2]}}\n```", "a.b"))
        .contains("[1,2]");
    assertThat(AnswerFinder.json("{\"a\": \"}{\"}", "a")).contains("}{");
    assertThat(AnswerFinder.json("he said \" {\"a\": 1.50}", "a")).contains("1.50");
    assertThat(AnswerFinder.json("{\"answer\": \"\\frac{1}{2}\"}", "answer")).isPresent();
  }

  @Test
  void whatIsNoJsonHasNoField() {
    assertThat(AnswerFinder.json("{\"a\": null}", "a")).isEmpty();
    assertThat(AnswerFinder.json("{\"a\": 1", "a")).isEmpty();
    assertThat(AnswerFinder.json("f(x) = {x if x > 0}", "x")).isEmpty();
    assertThat(AnswerFinder.json("{\"a\": 1}", "")).isEmpty();
    assertThat(AnswerFinder.json("", "a")).isEmpty();
  }

  @Test
  void hostileTextsTakeLinearTime() {
    for (String piece :
        new String[] {
          "{", "}", "{\"a\":", "{}", "\\boxed{", "answer ", "Answer: ", "<think>", "\"", "\\", "((A"
        }) {
      String text = piece.repeat(400_000 / piece.length());
      assertTimeoutPreemptively(
          Duration.ofSeconds(30),
          () -> {
            AnswerFinder.answer(text);
            AnswerFinder.choice(text);
            AnswerFinder.json(text, "a");
            TraceScores.loopShare(text);
            TraceScores.repetition(text);
            TraceScores.entropyBits(text);
          });
    }
  }
}
