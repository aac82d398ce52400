package io.tracemill.udf.grade.math;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Plain words in answers. */
public final class Words {
  private static final Map<String, Integer> NUMBERS =
      Map.ofEntries(
          Map.entry("zero", 0),
          Map.entry("one", 1),
          Map.entry("two", 2),
          Map.entry("three", 3),
          Map.entry("four", 4),
          Map.entry("five", 5),
          Map.entry("six", 6),
          Map.entry("seven", 7),
          Map.entry("eight", 8),
          Map.entry("nine", 9),
          Map.entry("ten", 10),
          Map.entry("eleven", 11),
          Map.entry("twelve", 12),
          Map.entry("thirteen", 13),
          Map.entry("fourteen", 14),
          Map.entry("fifteen", 15),
          Map.entry("sixteen", 16),
          Map.entry("seventeen", 17),
          Map.entry("eighteen", 18),
          Map.entry("nineteen", 19),
          Map.entry("twenty", 20));

  private Words() {}

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /** A number word below twenty-one. */
  static Optional<Integer> number(String word) {
    return Optional.ofNullable(NUMBERS.get(lower(word)));
  }

  /** The likely singular of an English noun. */
  static String singular(String word) {
    int length = word.length();
    if (length > 4 && word.endsWith("ies")) {
      return word.substring(0, length - 3) + "y";
    }
    if (length > 4
        && (word.endsWith("ches")
            || word.endsWith("shes")
            || word.endsWith("xes")
            || word.endsWith("sses"))) {
      return word.substring(0, length - 2);
    }
    if (length > 2 && word.endsWith("s") && !word.endsWith("ss") && !word.endsWith("us")) {
      return word.substring(0, length - 1);
    }
    return word;
  }

  /**
   * The text rule: lower case, LaTeX text commands and punctuation removed, single spaces, no
   * leading article. Linear in the length of the text.
   */
  public static String plain(String text) {
    StringBuilder out = new StringBuilder(Math.min(text.length(), 1 << 16));
    boolean gap = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        int end = i + 1;
        while (end < text.length() && LatexCleaner.isAsciiLetter(text.charAt(end))) {
          end++;
        }
        if (CommandReader.isTextCommand(text.substring(i + 1, Math.min(end, i + 32)))) {
          i = end - 1;
        }
        gap = true;
      } else if (c == '.' && text.startsWith("...", i)) {
        out.append('…');
        i += 2;
      } else if (c == '.' && isAbbreviation(text, i)) {
        continue;
      } else if (Character.isWhitespace(c) || c == '_') {
        gap = true;
      } else if (c == '\'' || c == '’' || c == '"' || c == '“' || c == '”' || c == '`') {
        continue;
      } else if (isKept(c, text, i)) {
        if (gap && out.length() > 0) {
          out.append(' ');
        }
        gap = false;
        out.append(Character.toLowerCase(c));
      } else {
        gap = true;
      }
    }
    String plain = out.toString();
    for (String article : new String[] {"the ", "an ", "a "}) {
      if (plain.startsWith(article)) {
        return plain.substring(article.length());
      }
    }
    return plain;
  }

  /** The points of {@code p.m.}, which part no words. */
  private static boolean isAbbreviation(String text, int index) {
    boolean letterBefore = index > 0 && Character.isLetter(text.charAt(index - 1));
    boolean single = index < 2 || !Character.isLetter(text.charAt(index - 2));
    return letterBefore && single;
  }

  /** Letters, digits, signs of numbers and operators mean something; the rest separates words. */
  private static boolean isKept(char c, String text, int index) {
    if (c == '.' || c == ',') {
      return index + 1 < text.length() && Character.isDigit(text.charAt(index + 1));
    }
    return Character.isLetterOrDigit(c)
        || Character.isSurrogate(c)
        || "+-*/=<>^|%°²³≤≥≠∞π√∅∈∪∩∖±∓…".indexOf(c) >= 0;
  }
}
