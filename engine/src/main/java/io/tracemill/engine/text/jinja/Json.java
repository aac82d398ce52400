package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The filter {@code tojson} as Hugging Face defines it: Python's {@code json.dumps} with {@code
 * ensure_ascii} off.
 */
final class Json {
  private final boolean asciiOnly;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean sortKeys;
  private final TextBuilder out = new TextBuilder();

  private Json(
      boolean asciiOnly,
      String indent,
      String itemSeparator,
      String keySeparator,
      boolean sortKeys) {
    this.asciiOnly = asciiOnly;
    this.indent = indent;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
    this.sortKeys = sortKeys;
  }

  static Object filter(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    boolean asciiOnly = bound[0] != null && Values.truth(bound[0]);
    String indent = null;
    if (bound[1] instanceof Text text) {
      indent = text.value();
    } else if (bound[1] != null && bound[1] != None.NONE) {
      indent = " ".repeat(Math.max(0, Math.min(Values.requireInt(bound[1], "tojson"), 1000)));
    }
    String itemSeparator = indent == null ? ", " : ",";
    String keySeparator = ": ";
    if (bound[2] != null && bound[2] != None.NONE) {
      List<Object> both = Values.items(bound[2]);
      if (both.size() != 2) {
        throw JinjaException.runtime("tojson needs two separators");
      }
      itemSeparator = Values.requireText(both.get(0), "tojson").value();
      keySeparator = Values.requireText(both.get(1), "tojson").value();
    }
    boolean sortKeys = bound[3] != null && Values.truth(bound[3]);
    Json json = new Json(asciiOnly, indent, itemSeparator, keySeparator, sortKeys);
    json.write(value, 0);
    return json.out.build();
  }

  private void write(Object value, int depth) {
    if (value instanceof Text text) {
      string(text);
    } else if (value instanceof None) {
      out.append("null");
    } else if (value instanceof Boolean || Values.isNumber(value)) {
      out.append(scalar(value));
    } else if (value instanceof Map<?, ?> map) {
      object(map, depth);
    } else if (value instanceof List<?> list && !(value instanceof Range)) {
      array(list, depth);
    } else {
      throw JinjaException.runtime(
          "Object of type " + Values.pythonType(value) + " is not JSON serializable");
    }
  }

  private static String scalar(Object value) {
    if (value instanceof Boolean bool) {
      return bool ? "true" : "false";
    }
    if (value instanceof Double number) {
      if (Double.isNaN(number)) {
        return "NaN";
      }
      if (Double.isInfinite(number)) {
        return number > 0 ? "Infinity" : "-Infinity";
      }
      return PythonText.repr(number);
    }
    return value.toString();
  }

  private void array(List<?> list, int depth) {
    out.append("[");
    for (int i = 0; i < list.size(); i++) {
      if (i > 0) {
        out.append(itemSeparator);
      }
      newLine(depth + 1);
      write(list.get(i), depth + 1);
    }
    if (!list.isEmpty()) {
      newLine(depth);
    }
    out.append("]");
  }

  private void object(Map<?, ?> map, int depth) {
    List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
    if (sortKeys) {
      entries.sort(Comparator.comparing(Map.Entry::getKey, Comparisons::compare));
    }
    out.append("{");
    boolean first = true;
    for (Map.Entry<?, ?> entry : entries) {
      if (!first) {
        out.append(itemSeparator);
      }
      newLine(depth + 1);
      key(entry.getKey());
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
      first = false;
    }
    if (!entries.isEmpty()) {
      newLine(depth);
    }
    out.append("}");
  }

  private void key(Object key) {
    if (key instanceof Text text) {
      string(text);
    } else if (key instanceof None) {
      out.append("\"null\"");
    } else if (key instanceof Boolean || Values.isNumber(key)) {
      out.append("\"" + scalar(key) + "\"");
    } else {
      throw JinjaException.runtime(
          "keys must be str, int, float, bool or None, not " + Values.pythonType(key));
    }
  }

  private void newLine(int depth) {
    if (indent != null) {
      out.append("\n");
      for (int i = 0; i < depth; i++) {
        out.append(indent);
      }
    }
  }

  private void string(Text text) {
    out.append("\"");
    String value = text.value();
    int plain = 0;
    for (int i = 0; i < value.length(); i++) {
      String escaped = escape(value.charAt(i));
      if (escaped != null) {
        out.append(text.substring(plain, i)).append(escaped, text.originAt(i));
        plain = i + 1;
      }
    }
    out.append(text.substring(plain, value.length())).append("\"");
  }

  private String escape(char c) {
    return switch (c) {
      case '"' -> "\\\"";
      case '\\' -> "\\\\";
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      case '\f' -> "\\f";
      case '\b' -> "\\b";
      default -> c < 0x20 || asciiOnly && c > 0x7e ? String.format("\\u%04x", (int) c) : null;
    };
  }
}
