package io.tracemill.engine.text.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Filters on text; any other value is taken as it prints. */
final class TextFilters {
  private TextFilters() {}

  static void register(Map<String, Filter> filters) {
    filters.put("upper", (value, arguments, scope) -> plain(value, arguments, "upper"));
    filters.put("lower", (value, arguments, scope) -> plain(value, arguments, "lower"));
    filters.put("capitalize", (value, arguments, scope) -> plain(value, arguments, "capitalize"));
    filters.put("title", (value, arguments, scope) -> title(value, arguments));
    filters.put("trim", (value, arguments, scope) -> trim(value, arguments));
    filters.put("replace", (value, arguments, scope) -> replace(value, arguments));
    filters.put("format", (value, arguments, scope) -> format(value, arguments));
    filters.put("indent", (value, arguments, scope) -> indent(value, arguments));
    filters.put("center", (value, arguments, scope) -> center(value, arguments));
    filters.put("wordcount", (value, arguments, scope) -> wordCount(value, arguments));
    filters.put("string", (value, arguments, scope) -> text("string", value, arguments));
    filters.put("safe", (value, arguments, scope) -> text("safe", value, arguments));
  }

  private static Object text(String name, Object value, Arguments arguments) {
    arguments.bind(name);
    return Values.text(value);
  }

  private static Object plain(Object value, Arguments arguments, String name) {
    arguments.bind(name);
    Text text = Values.text(value);
    return switch (name) {
      case "upper" -> text.mapped(text.value().toUpperCase(Locale.ROOT));
      case "lower" -> text.mapped(text.value().toLowerCase(Locale.ROOT));
      default -> TextParts.capitalize(text);
    };
  }

  /** Unlike the method {@code title}, only blanks, hyphens and opening brackets begin a word. */
  private static Object title(Object value, Arguments arguments) {
    arguments.bind("title");
    TextBuilder out = new TextBuilder();
    boolean beginsWord = true;
    for (Object each : Values.items(Values.text(value))) {
      Text character = (Text) each;
      int c = character.value().codePointAt(0);
      String changed =
          beginsWord
              ? character.value().toUpperCase(Locale.ROOT)
              : character.value().toLowerCase(Locale.ROOT);
      out.append(character.mapped(changed));
      beginsWord = PythonText.isWhitespace(c) || "-({[<".indexOf(c) >= 0;
    }
    return out.build();
  }

  private static Object trim(Object value, Arguments arguments) {
    Object chars = arguments.bind("trim", "chars")[0];
    boolean given = chars != null && chars != None.NONE;
    String set = given ? Values.requireText(chars, "trim").value() : null;
    return TextParts.strip(Values.text(value), set, true, true);
  }

  private static Object replace(Object value, Arguments arguments) {
    Object[] bound = arguments.bindRequired("replace", 2, "old", "new", "count");
    int most =
        bound[2] == null || bound[2] == None.NONE ? -1 : Values.requireInt(bound[2], "replace");
    return TextParts.replace(
        Values.text(value), Values.text(bound[0]), Values.text(bound[1]), most);
  }

  private static Object format(Object value, Arguments arguments) {
    if (!arguments.positional().isEmpty() && !arguments.named().isEmpty()) {
      throw JinjaException.runtime(
          "can't handle positional and keyword arguments at the same time");
    }
    if (arguments.named().isEmpty()) {
      return PercentFormat.format(Values.text(value), new Tuple(arguments.positional()));
    }
    Map<Object, Object> named = new HashMap<>();
    arguments.named().forEach((name, each) -> named.put(Text.of(name), each));
    return PercentFormat.format(Values.text(value), named);
  }

  private static Object indent(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("indent", "width", "first", "blank");
    Text margin;
    if (bound[0] instanceof Text text) {
      margin = text;
    } else {
      int width = bound[0] == null ? 4 : Values.requireInt(bound[0], "indent");
      margin = (Text) Arithmetic.apply("*", Text.of(" "), (long) width);
    }
    boolean first = bound[1] != null && Values.truth(bound[1]);
    boolean blank = bound[2] != null && Values.truth(bound[2]);
    Text text = Values.requireText(value, "indent").plus(Text.of("\n"));
    List<Object> lines = TextParts.splitLines(text, false);
    TextBuilder out = new TextBuilder();
    for (int i = 0; i < lines.size(); i++) {
      Text line = (Text) lines.get(i);
      if (i > 0) {
        out.append("\n");
      }
      if (i == 0 ? first : blank || !line.isEmpty()) {
        out.append(margin);
      }
      out.append(line);
    }
    return out.build();
  }

  private static Object center(Object value, Arguments arguments) {
    Object width = arguments.bind("center", "width")[0];
    return TextParts.pad(
        Values.text(value), "center", new Object[] {width == null ? 80L : width, null});
  }

  private static Object wordCount(Object value, Arguments arguments) {
    arguments.bind("wordcount");
    long words = 0;
    boolean inside = false;
    for (int c : Values.text(value).value().codePoints().toArray()) {
      boolean word = Character.isLetterOrDigit(c) || c == '_';
      words += word && !inside ? 1 : 0;
      inside = word;
    }
    return words;
  }
}
