package io.tracemill.udf.grade.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TestMathAnswersProperties {
  private static final String[] PIECES = {
    "1",
    "23",
    "0.5",
    "x",
    "y",
    "\\frac",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\\{",
    "\\}",
    "^",
    "_",
    "+",
    "-",
    "\\pm",
    "*",
    "/",
    "\\sqrt",
    "|",
    ",",
    " ",
    "=",
    "<",
    "\\le",
    "\\cup",
    "\\infty",
    "\\pi",
    "%",
    "°",
    "\\text{cm}",
    "cm",
    "$",
    "\\$",
    "!",
    "\\sin",
    "\\log_",
    "\\begin{pmatrix}",
    "\\end{pmatrix}",
    "&",
    "\\\\",
    "i",
    "e",
    "and",
    "or",
    ":",
    "\\overline{3}",
    ".",
    "\\left",
    "\\right.",
    "…",
    "\\mathbb{R}",
    "\\in",
    "mod",
    "1,234",
    "1e9",
    "10^{99}",
    "\\choose",
    "\uD800",
    "\u0000",
    "√",
    "²",
    "½",
    "\\boxed{",
    "answer is",
    "10000000000"
  };

  private final long seed = Long.getLong("tests.seed", 41L);
  private final int iterations = Integer.getInteger("tests.iters", 3_000);

  private String randomAnswer(SplittableRandom random) {
    StringBuilder out = new StringBuilder();
    int pieces = 1 + random.nextInt(14);
    for (int i = 0; i < pieces; i++) {
      out.append(PIECES[random.nextInt(PIECES.length)]);
    }
    return out.toString();
  }

  @Test
  void randomAnswersEqualThemselvesAndCompareAlikeInBothOrders() {
    SplittableRandom random = new SplittableRandom(seed);
    int equal = 0;
    for (int i = 0; i < iterations; i++) {
      String a = randomAnswer(random);
      String b = random.nextInt(4) == 0 ? a.replace(" ", "") : randomAnswer(random);
      assertThat(MathAnswers.compare(a, a, 0).equal()).as("seed %d: %s", seed, a).isTrue();
      boolean forth = MathAnswers.compare(a, b, 0).equal();
      assertThat(MathAnswers.compare(b, a, 0).equal())
          .as("seed %d: %s against %s", seed, a, b)
          .isEqualTo(forth);
      if (MathAnswers.normalize(a).equals(MathAnswers.normalize(b))) {
        assertThat(forth).as("seed %d: one form of %s and %s", seed, a, b).isTrue();
      }
      equal += forth ? 1 : 0;
    }
    assertThat(equal).isGreaterThan(iterations / 20);
  }

  @Test
  void wellFormedRandomAlgebraEqualsItsExpansion() {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 60; i++) {
      int a = random.nextInt(1, 9);
      int b = random.nextInt(1, 9);
      int c = random.nextInt(1, 9);
      String factored = "(" + a + "x+" + b + ")(x-" + c + ")";
      String expanded = a + "x^2 + " + (b - a * c) + "x - " + b * c;
      String wrong = a + "x^2 + " + (b - a * c) + "x - " + (b * c + 1);
      assertThat(MathAnswers.compare(factored, expanded.replace("+ -", "- "), 0).equal()).isTrue();
      assertThat(MathAnswers.compare(factored, wrong.replace("+ -", "- "), 0).equal()).isFalse();
    }
  }

  private static List<String> hostile() {
    List<String> texts = new ArrayList<>();
    int n = 100_000;
    for (String piece :
        new String[] {
          "(",
          "{",
          "\\frac{",
          "\\sqrt{",
          "|",
          "-",
          "((1)",
          "x",
          "1",
          " ",
          "\\boxed{",
          "^2",
          "²",
          "$",
          "\\text{",
          "1,",
          "a b ",
          "\\",
          "\uD800",
          "\\{",
          "!",
          "°",
          "1+",
          "**",
          "\n",
          "answer is "
        }) {
      texts.add(piece.repeat(n / piece.length()));
      texts.add(piece.repeat(1_900 / piece.length()));
    }
    texts.add("(".repeat(900) + "1" + ")".repeat(900));
    texts.add("2^".repeat(600) + "2");
    texts.add("((((x+y+z)^9+w)^9+v)^9+u)^9");
    texts.add("(a+b+c+d+f+g+h)^{40}");
    texts.add("9^{9^{9^{9}}}");
    texts.add("10^{1000000000}+1");
    texts.add("\\sin(10^{300})");
    texts.add("1".repeat(400) + "^{" + "9".repeat(8) + "}");
    texts.add("\\sqrt{" + "9".repeat(390) + "}");
    texts.add("500!!!!");
    texts.add("e^{e^{e^{e^{x}}}}");
    texts.add("x^{999999999}-y^{999999999}");
    texts.add("\\frac{1}{0}");
    texts.add("0^0");
    texts.add("\\ln 0");
    texts.add("\\tan\\frac{\\pi}{2}");
    texts.add("");
    return texts;
  }

  @Test
  void hostileTextsNeitherThrowNorHang() {
    List<String> texts = hostile();
    long slowestMillis = 0;
    for (String text : texts) {
      long start = System.nanoTime();
      assertTimeoutPreemptively(
          Duration.ofSeconds(30),
          () -> {
            assertThat(MathAnswers.compare(text, text, 0).equal()).isTrue();
            MathAnswers.compare(text, "42", 0);
            MathAnswers.compare("x+1", text, 1e-6);
            MathAnswers.compare(text, text + "+1", 0);
            MathAnswers.normalize(text);
          });
      slowestMillis = Math.max(slowestMillis, (System.nanoTime() - start) / 1_000_000);
    }
    System.out.printf("hostile texts: %d, slowest five calls %d ms%n", texts.size(), slowestMillis);
  }

  @Test
  void everyAnswerAgainstEveryOtherOfItsCategoryDoesNotThrow() {
    List<AnswerPairs.Pair> pairs = AnswerPairs.load();
    int compared = 0;
    for (int i = 0; i < pairs.size(); i += 3) {
      for (int j = i + 1; j < Math.min(pairs.size(), i + 4); j++) {
        MathAnswers.compare(pairs.get(i).first(), pairs.get(j).second(), 0);
        compared++;
      }
    }
    assertThat(compared).isGreaterThan(500);
  }
}
