package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestAnswerExtractor {
  @Test
  void takesTheLastBox() {
    assertThat(AnswerExtractor.extract("\\boxed{1} then \\boxed{ 42 }.")).contains("42");
  }

  @Test
  void balancesBraces() {
    assertThat(AnswerExtractor.extract("\\boxed{\\frac{1}{2^{n}}} done"))
        .contains("\\frac{1}{2^{n}}");
    assertThat(AnswerExtractor.extract("\\boxed{\\{1, 2\\}}")).contains("\\{1, 2\\}");
    assertThat(AnswerExtractor.extract("\\boxed{a \\} b}")).contains("a \\} b");
  }

  @Test
  void aBoxThatIsNotClosedIsNoAnswer() {
    assertThat(AnswerExtractor.extract("\\boxed{7} and \\boxed{8")).contains("7");
    assertThat(AnswerExtractor.extract("so \\boxed{8")).contains("so \\boxed{8");
    assertThat(AnswerExtractor.extract("\\boxed{8\\")).contains("\\boxed{8\\");
  }

  @Test
  void anEmptyBoxIsPassedOver() {
    assertThat(AnswerExtractor.extract("\\boxed{7} \\boxed{ }")).contains("7");
  }

  @Test
  void withoutABoxTheLastLineCounts() {
    assertThat(AnswerExtractor.extract("Work.\n\n  The answer is 5. \n \n"))
        .contains("The answer is 5.");
    assertThat(AnswerExtractor.extract("a\r\nb\r\n")).contains("b");
  }

  @Test
  void nothingIsAbsent() {
    assertThat(AnswerExtractor.extract("")).isEmpty();
    assertThat(AnswerExtractor.extract(" \n\t")).isEmpty();
    assertThat(AnswerExtractor.extract(new ThinkingSplit("\\boxed{3}", Optional.empty(), 5, 0)))
        .isEmpty();
  }

  @Test
  void aDoubledBackslashStillOpensABox() {
    assertThat(AnswerExtractor.boxed("so \\\\boxed{5}")).contains("5");
    assertThat(AnswerExtractor.boxed("a \\boxed{x \\\\} b")).contains("x \\\\");
  }

  @Test
  void aBoxInsideABoxComesFirst() {
    assertThat(AnswerExtractor.boxed("\\boxed{\\boxed{3}}")).contains("3");
    assertThat(AnswerExtractor.boxed("no box, only {braces}")).isEmpty();
  }

  @Test
  void aHundredThousandUnclosedBoxesTakeNoLongerThanTheirLength() {
    String text = "\\boxed{".repeat(100_000);
    assertTimeoutPreemptively(
        Duration.ofSeconds(5), () -> assertThat(AnswerExtractor.boxed(text)).isEmpty());
  }

  @Test
  void theLastLineIsTheLastWithText() {
    assertThat(AnswerExtractor.lastLine("a\r\n b \r\n\r\n \n")).contains("b");
    assertThat(AnswerExtractor.lastLine(" \n ")).isEmpty();
    assertThat(AnswerExtractor.lastLine("")).isEmpty();
  }
}
