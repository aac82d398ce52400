package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** Cutting, joining and padding of texts, origins kept. */
final class TextParts {
  private TextParts() {}

  /**
   * Drops characters of {@code chars} from the sides asked for; white space where {@code chars} is
   * null.
   */
  static Text strip(Text text, String chars, boolean left, boolean right) {
    String value = text.value();
    int begin = 0;
    int end = value.length();
    while (left && begin < end && strips(value.codePointAt(begin), chars)) {
      begin += Character.charCount(value.codePointAt(begin));
    }
    while (right && end > begin && strips(value.codePointBefore(end), chars)) {
      end -= Character.charCount(value.codePointBefore(end));
    }
    return text.substring(begin, end);
  }

  private static boolean strips(int codePoint, String chars) {
    return chars == null ? PythonText.isWhitespace(codePoint) : chars.indexOf(codePoint) >= 0;
  }

  /**
   * As {@code str.split}; {@code separator} null splits at runs of white space, {@code most} below
   * 0 is no limit.
   */
  static List<Object> split(Text text, String separator, int most) {
    List<Object> parts = new ArrayList<>();
    String value = text.value();
    if (separator != null) {
      int begin = 0;
      for (int at = value.indexOf(separator);
          at >= 0 && parts.size() != most;
          at = value.indexOf(separator, begin)) {
        parts.add(text.substring(begin, at));
        begin = at + separator.length();
      }
      parts.add(text.substring(begin, text.length()));
      return parts;
    }
    int begin = 0;
    while (true) {
      while (begin < value.length() && PythonText.isWhitespace(value.charAt(begin))) {
        begin++;
      }
      if (begin == value.length()) {
        return parts;
      }
      if (parts.size() == most) {
        parts.add(text.substring(begin, text.length()));
        return parts;
      }
      int end = begin;
      while (end < value.length() && !PythonText.isWhitespace(value.charAt(end))) {
        end++;
      }
      parts.add(text.substring(begin, end));
      begin = end;
    }
  }

  /** As {@code str.rsplit}. */
  static List<Object> splitFromEnd(Text text, String separator, int most) {
    if (most < 0) {
      return split(text, separator, most);
    }
    List<Object> parts = new ArrayList<>();
    String value = text.value();
    int end = value.length();
    if (separator != null) {
      for (int at = value.lastIndexOf(separator); at >= 0 && parts.size() != most; ) {
        parts.add(text.substring(at + separator.length(), end));
        end = at;
        at = value.lastIndexOf(separator, end - separator.length());
      }
      parts.add(text.substring(0, end));
    } else {
      while (true) {
        while (end > 0 && PythonText.isWhitespace(value.charAt(end - 1))) {
          end--;
        }
        if (end == 0) {
          break;
        }
        if (parts.size() == most) {
          parts.add(text.substring(0, end));
          break;
        }
        int begin = end;
        while (begin > 0 && !PythonText.isWhitespace(value.charAt(begin - 1))) {
          begin--;
        }
        parts.add(text.substring(begin, end));
        end = begin;
      }
    }
    Collections.reverse(parts);
    return parts;
  }

  /** As {@code str.splitlines}. */
  static List<Object> splitLines(Text text, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    String value = text.value();
    int begin = 0;
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\n'
          || c == '\r'
          || c >= 0x0b && c <= 0x0c
          || c >= 0x1c && c <= 0x1e
          || c == 0x85
          || c == 0x2028
          || c == 0x2029) {
        int next = c == '\r' && value.startsWith("\n", i + 1) ? i + 2 : i + 1;
        lines.add(text.substring(begin, keepEnds ? next : i));
        begin = next;
        i = next - 1;
      }
    }
    if (begin < value.length()) {
      lines.add(text.substring(begin, value.length()));
    }
    return lines;
  }

  static Text join(Text separator, List<Object> items) {
    TextBuilder out = new TextBuilder();
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) {
        out.append(separator);
      }
      out.append(Values.requireText(items.get(i), "join"));
    }
    return out.build();
  }

  /** Replaces at most {@code most} occurrences from the left; all if it is negative. */
  static Text replace(Text text, Text old, Text replacement, int most) {
    String value = text.value();
    TextBuilder out = new TextBuilder();
    int done = 0;
    int begin = 0;
    if (old.isEmpty()) {
      for (; done != most && begin <= value.length(); done++) {
        out.append(replacement);
        if (begin == value.length()) {
          return out.build();
        }
        int next = begin + Character.charCount(value.codePointAt(begin));
        out.append(text.substring(begin, next));
        begin = next;
      }
    } else {
      for (int at = value.indexOf(old.value()); at >= 0 && done != most; done++) {
        out.append(text.substring(begin, at)).append(replacement);
        begin = at + old.length();
        at = value.indexOf(old.value(), begin);
      }
    }
    return out.append(text.substring(begin, text.length())).build();
  }

  static long count(Text text, String wanted) {
    if (wanted.isEmpty()) {
      return text.codePointCount() + 1L;
    }
    long count = 0;
    for (int at = text.value().indexOf(wanted);
        at >= 0;
        at = text.value().indexOf(wanted, at + wanted.length())) {
      count++;
    }
    return count;
  }

  /**
   * As {@code zfill}, {@code ljust}, {@code rjust} and {@code center}; arguments are width and fill
   * character.
   */
  static Text pad(Text text, String method, Object[] bound) {
    int missing = Values.requireInt(bound[0], method) - text.codePointCount();
    Text fill =
        bound[1] == null
            ? Text.of(method.equals("zfill") ? "0" : " ")
            : Values.requireText(bound[1], method);
    if (missing <= 0) {
      return text;
    }
    Text.checkLength(missing);
    switch (method) {
      case "zfill":
        boolean signed = text.value().startsWith("-") || text.value().startsWith("+");
        int sign = signed ? 1 : 0;
        return text.substring(0, sign)
            .plus(repeat(fill, missing))
            .plus(text.substring(sign, text.length()));
      case "ljust":
        return text.plus(repeat(fill, missing));
      case "rjust":
        return repeat(fill, missing).plus(text);
      default:
        // Python gives the odd blank to the left only if the width is odd as well.
        int width = missing + text.codePointCount();
        int left = missing / 2 + (missing & width & 1);
        return repeat(fill, left).plus(text).plus(repeat(fill, missing - left));
    }
  }

  private static Text repeat(Text text, int times) {
    return (Text) Arithmetic.apply("*", text, (long) times);
  }

  static Text capitalize(Text text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offset(1);
    Text head = text.substring(0, first);
    Text tail = text.substring(first, text.length());
    return head.mapped(titleCase(head.value()))
        .plus(tail.mapped(tail.value().toLowerCase(Locale.ROOT)));
  }

  private static String titleCase(String character) {
    int c = character.codePointAt(0);
    String upper = character.toUpperCase(Locale.ROOT);
    return upper.codePointCount(0, upper.length()) == 1
        ? Character.toString(Character.toTitleCase(c))
        : upper.substring(0, upper.offsetByCodePoints(0, 1))
            + upper.substring(upper.offsetByCodePoints(0, 1)).toLowerCase(Locale.ROOT);
  }

  /** As {@code str.title}: a letter after anything but a letter is upper case. */
  static Text title(Text text) {
    TextBuilder out = new TextBuilder();
    boolean afterLetter = false;
    for (Object each : Values.items(text)) {
      Text character = (Text) each;
      String changed =
          afterLetter ? character.value().toLowerCase(Locale.ROOT) : titleCase(character.value());
      out.append(character.mapped(changed));
      afterLetter = Character.isLetter(character.value().codePointAt(0));
    }
    return out.build();
  }

  static Text swapCase(Text text) {
    TextBuilder out = new TextBuilder();
    for (Object each : Values.items(text)) {
      Text character = (Text) each;
      boolean upper = Character.isUpperCase(character.value().codePointAt(0));
      out.append(
          character.mapped(
              upper
                  ? character.value().toLowerCase(Locale.ROOT)
                  : character.value().toUpperCase(Locale.ROOT)));
    }
    return out.build();
  }
}
