package io.tracemill.udf.grade;

import io.tracemill.engine.text.AnswerExtractor;
import io.tracemill.engine.text.ThinkingStart;
import io.tracemill.engine.text.TraceParts;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Finds the final answer in an output. Every method is linear in the length of the text. */
public final class AnswerFinder {
  private static final Pattern CHOICE =
      Pattern.compile("^\\W{0,4}(?:text|textbf|mathrm|mathbf)?\\W{0,3}([A-J])(?![A-Za-z0-9])");
  private static final Pattern STATED_CHOICE =
      Pattern.compile(
          "\\b(?i:answer|choice|option)(?i: choice| option)?(?i: is|:| =)?"
              + "[^A-Za-z0-9\\n]{0,8}(?:(?i:text|textbf|mathrm|option)[^A-Za-z0-9\\n]{1,4})?"
              + "([A-J])(?![A-Za-z0-9'])");

  /** Of "answer", "choice" and "option" without their first letters, as they are or in capitals. */
  private static final List<String> STATEMENT_TAILS =
      List.of("nswer", "hoice", "ption", "NSWER", "HOICE", "PTION");

  private static final Pattern LONE_CHOICE =
      Pattern.compile("[^A-Za-z0-9]{0,6}([A-J])[^A-Za-z0-9]{0,6}");

  private AnswerFinder() {}

  /**
   * What the column {@code extracted_answer} of a complete output holds: of the part behind the
   * thinking, the last boxed answer, else the last line. Absent where the text ends inside its
   * thinking.
   */
  public static Optional<String> answer(String trace) {
    return TraceParts.of(trace, ThinkingStart.OUTSIDE).answer().flatMap(AnswerExtractor::extract);
  }

  /** The content of the last {@code \boxed{...}} that is closed and not blank. */
  public static Optional<String> boxed(String text) {
    return AnswerExtractor.boxed(text);
  }

  /** The last line that is not blank. */
  public static Optional<String> finalLine(String text) {
    return AnswerExtractor.lastLine(text);
  }

  /**
   * The letter A to J that answers a multiple-choice question: in the last box, else where the text
   * last says "answer", "choice" or "option", else a last line that is a letter alone. Capital
   * letters only, since "a" is a word.
   */
  public static Optional<String> choice(String text) {
    Optional<String> boxed = boxed(text).flatMap(AnswerFinder::leadingLetter);
    if (boxed.isPresent()) {
      return boxed;
    }
    Optional<String> stated = lastStated(text);
    if (stated.isPresent()) {
      return stated;
    }
    return finalLine(text)
        .filter(line -> line.length() <= 20)
        .map(LONE_CHOICE::matcher)
        .filter(Matcher::matches)
        .map(matcher -> matcher.group(1));
  }

  /**
   * The letter at the last statement. Statements are looked for from the end by the tails of their
   * words, which is much faster than to let the pattern look at every place.
   */
  private static Optional<String> lastStated(String text) {
    Matcher matcher = STATED_CHOICE.matcher(text).useTransparentBounds(true);
    int best = -1;
    String letter = "";
    for (String tail : STATEMENT_TAILS) {
      int at = text.lastIndexOf(tail);
      while (at > Math.max(0, best)) {
        matcher.region(at - 1, text.length());
        if (matcher.lookingAt()) {
          best = at - 1;
          letter = matcher.group(1);
        }
        at = text.lastIndexOf(tail, at - 1);
      }
    }
    return letter.isEmpty() ? Optional.empty() : Optional.of(letter);
  }

  private static Optional<String> leadingLetter(String box) {
    Matcher matcher = CHOICE.matcher(box.length() > 200 ? box.substring(0, 200) : box);
    return matcher.find() ? Optional.of(matcher.group(1)) : Optional.empty();
  }

  /** A field of the last JSON object in the text that has it; see {@link JsonFields}. */
  public static Optional<String> json(String text, String field) {
    return JsonFields.last(text, field);
  }
}
