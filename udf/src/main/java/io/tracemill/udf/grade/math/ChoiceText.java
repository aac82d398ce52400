package io.tracemill.udf.grade.math;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The text rule, with one addition: a choice's letter stands for the letter with its text. */
final class ChoiceText {
  private static final int MAX_CHARACTERS = 500;
  private static final Pattern LETTER =
      Pattern.compile(
          "^(?:(?i:option|choice) )?(?:\\\\(?:text|textbf|mathrm|mathbf)\\{)?\\(?([A-J])(?:[).:]|(?=\\s|}|$))\\)?}?(.*)$",
          Pattern.DOTALL);

  private ChoiceText() {}

  static boolean same(String a, String b) {
    String plain = Words.plain(a);
    if (!plain.isEmpty() && plain.equals(Words.plain(b))) {
      return true;
    }
    return sameLetter(a, b);
  }

  /** Whether both name the same choice, one of them by its letter alone. */
  static boolean sameLetter(String a, String b) {
    if (a.length() > MAX_CHARACTERS || b.length() > MAX_CHARACTERS) {
      return false;
    }
    Matcher left = LETTER.matcher(strip(a));
    Matcher right = LETTER.matcher(strip(b));
    return left.matches()
        && right.matches()
        && left.group(1).equals(right.group(1))
        && (left.group(2).isBlank() || right.group(2).isBlank());
  }

  private static String strip(String text) {
    String stripped = text.strip();
    while (stripped.length() > 1 && (stripped.startsWith("$") || stripped.startsWith("*"))) {
      stripped = stripped.substring(1).strip();
    }
    while (stripped.length() > 1 && (stripped.endsWith("$") || stripped.endsWith("*"))) {
      stripped = stripped.substring(0, stripped.length() - 1).strip();
    }
    return stripped;
  }
}
