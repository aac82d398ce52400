package io.tracemill.engine.text.jinja;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.IntPredicate;

/** Python's string methods; positions that a template sees count code points. */
final class StringMethods {
  static final Set<String> NAMES =
      Set.of(
          "strip",
          "lstrip",
          "rstrip",
          "split",
          "rsplit",
          "splitlines",
          "startswith",
          "endswith",
          "upper",
          "lower",
          "title",
          "capitalize",
          "swapcase",
          "replace",
          "find",
          "rfind",
          "index",
          "rindex",
          "count",
          "join",
          "format",
          "isdigit",
          "isnumeric",
          "isdecimal",
          "isalpha",
          "isalnum",
          "isspace",
          "isupper",
          "islower",
          "zfill",
          "ljust",
          "rjust",
          "center",
          "partition",
          "rpartition",
          "removeprefix",
          "removesuffix");

  private StringMethods() {}

  static Object call(Text text, String name, Arguments arguments, Scope scope) {
    return switch (name) {
      case "strip", "lstrip", "rstrip" ->
          TextParts.strip(
              text,
              chars(arguments.bind(name, "chars")[0], name),
              !name.equals("rstrip"),
              !name.equals("lstrip"));
      case "split", "rsplit" -> split(text, name, arguments.bind(name, "sep", "maxsplit"));
      case "splitlines" -> TextParts.splitLines(text, truth(arguments.bind(name, "keepends")[0]));
      case "startswith", "endswith" ->
          affix(text, name, arguments.bindRequired(name, 1, "prefix", "start", "end"));
      case "replace" -> replace(text, arguments.bindRequired(name, 2, "old", "new", "count"));
      case "find", "rfind", "index", "rindex", "count" ->
          search(text, name, arguments.bindRequired(name, 1, "sub", "start", "end"));
      case "join" ->
          TextParts.join(text, Values.items(arguments.bindRequired(name, 1, "iterable")[0]));
      case "format" -> BraceFormat.format(text, arguments);
      case "zfill", "ljust", "rjust", "center" ->
          TextParts.pad(text, name, arguments.bindRequired(name, 1, "width", "fillchar"));
      case "partition", "rpartition" ->
          partition(
              text, Values.requireText(arguments.bindRequired(name, 1, "sep")[0], name), name);
      case "removeprefix", "removesuffix" ->
          removed(
              text, Values.requireText(arguments.bindRequired(name, 1, "affix")[0], name), name);
      default -> plain(text, name, arguments);
    };
  }

  /** Methods without arguments. */
  private static Object plain(Text text, String name, Arguments arguments) {
    arguments.bind(name);
    String value = text.value();
    return switch (name) {
      case "upper" -> text.mapped(value.toUpperCase(Locale.ROOT));
      case "lower" -> text.mapped(value.toLowerCase(Locale.ROOT));
      case "title" -> TextParts.title(text);
      case "capitalize" -> TextParts.capitalize(text);
      case "swapcase" -> TextParts.swapCase(text);
      case "isdigit", "isdecimal" -> all(value, Character::isDigit);
      case "isnumeric" -> all(value, StringMethods::isNumeric);
      case "isalpha" -> all(value, Character::isLetter);
      case "isalnum" -> all(value, c -> Character.isLetter(c) || isNumeric(c));
      case "isspace" -> all(value, PythonText::isWhitespace);
      case "isupper" ->
          value.equals(value.toUpperCase(Locale.ROOT))
              && value.codePoints().anyMatch(Character::isUpperCase);
      case "islower" ->
          value.equals(value.toLowerCase(Locale.ROOT))
              && value.codePoints().anyMatch(Character::isLowerCase);
      default -> throw new IllegalStateException("string method " + name);
    };
  }

  private static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER;
  }

  private static boolean all(String value, IntPredicate condition) {
    return !value.isEmpty() && value.codePoints().allMatch(condition);
  }

  private static boolean truth(Object value) {
    return value != null && Values.truth(value);
  }

  private static String chars(Object given, String use) {
    return given == null || given == None.NONE ? null : Values.requireText(given, use).value();
  }

  private static Object split(Text text, String name, Object[] bound) {
    String separator = chars(bound[0], name);
    int most = bound[1] == null ? -1 : Values.requireInt(bound[1], name);
    if (separator != null && separator.isEmpty()) {
      throw JinjaException.runtime("empty separator");
    }
    return name.equals("split")
        ? TextParts.split(text, separator, most)
        : TextParts.splitFromEnd(text, separator, most);
  }

  private static Object affix(Text text, String name, Object[] bound) {
    Text part = window(text, bound);
    if (bound[1] != null && part == null) {
      return false;
    }
    List<?> candidates = bound[0] instanceof Tuple tuple ? tuple : List.of(bound[0]);
    for (Object candidate : candidates) {
      String wanted = Values.requireText(candidate, name).value();
      if (name.equals("startswith")
          ? part.value().startsWith(wanted)
          : part.value().endsWith(wanted)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The part of the text between the optional code point positions in {@code bound[1]} and {@code
   * bound[2]}.
   */
  private static Text window(Text text, Object[] bound) {
    if (bound[1] == null && bound[2] == null) {
      return text;
    }
    Object start = bound[1] == null ? None.NONE : bound[1];
    if (start instanceof Long begin && begin > text.codePointCount()) {
      return null;
    }
    return (Text) Items.slice(text, start, bound[2] == null ? None.NONE : bound[2], None.NONE);
  }

  private static Object search(Text text, String name, Object[] bound) {
    String wanted = Values.requireText(bound[0], name).value();
    Text part = window(text, bound);
    if (name.equals("count")) {
      return part == null ? 0L : TextParts.count(part, wanted);
    }
    int at = -1;
    if (part != null) {
      at = name.startsWith("r") ? part.value().lastIndexOf(wanted) : part.value().indexOf(wanted);
    }
    if (at < 0) {
      if (name.endsWith("index")) {
        throw JinjaException.runtime("substring not found");
      }
      return -1L;
    }
    long before = 0;
    if (bound[1] instanceof Long start) {
      before = start < 0 ? Math.max(0, start + text.codePointCount()) : start;
    }
    return before + part.value().codePointCount(0, at);
  }

  private static Object replace(Text text, Object[] bound) {
    int most = bound[2] == null ? -1 : Values.requireInt(bound[2], "replace");
    return TextParts.replace(
        text,
        Values.requireText(bound[0], "replace"),
        Values.requireText(bound[1], "replace"),
        most);
  }

  private static Object partition(Text text, Text separator, String name) {
    if (separator.isEmpty()) {
      throw JinjaException.runtime("empty separator");
    }
    boolean last = name.startsWith("r");
    int at =
        last
            ? text.value().lastIndexOf(separator.value())
            : text.value().indexOf(separator.value());
    if (at < 0) {
      return last ? Tuple.of(Text.EMPTY, Text.EMPTY, text) : Tuple.of(text, Text.EMPTY, Text.EMPTY);
    }
    int after = at + separator.length();
    return Tuple.of(
        text.substring(0, at), text.substring(at, after), text.substring(after, text.length()));
  }

  private static Object removed(Text text, Text affix, String name) {
    if (name.equals("removeprefix")) {
      return text.value().startsWith(affix.value())
          ? text.substring(affix.length(), text.length())
          : text;
    }
    return text.value().endsWith(affix.value())
        ? text.substring(0, text.length() - affix.length())
        : text;
  }
}
