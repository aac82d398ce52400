package io.tracemill.engine.text.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** How values print: Python's {@code str} and {@code repr}. */
final class Printer {
  private Printer() {}

  /** As {@code str(value)}. */
  static Text print(Object value) {
    if (value instanceof Text text) {
      return text;
    }
    if (value instanceof Undefined) {
      return Text.EMPTY;
    }
    TextBuilder out = new TextBuilder();
    repr(value, out);
    return out.build();
  }

  /** As {@code repr(value)}, without origins. */
  static String repr(Object value) {
    TextBuilder out = new TextBuilder();
    repr(value, out);
    return out.build().value();
  }

  static void repr(Object value, TextBuilder out) {
    if (value instanceof Text text) {
      PythonText.repr(text, out);
    } else if (value instanceof Boolean bool) {
      out.append(bool ? "True" : "False");
    } else if (value instanceof Double number) {
      out.append(PythonText.repr(number));
    } else if (value instanceof Undefined) {
      out.append("Undefined");
    } else if (value instanceof Tuple tuple) {
      list(tuple, "(", tuple.size() == 1 ? ",)" : ")", out);
    } else if (value instanceof Range range) {
      out.append(range.described());
    } else if (value instanceof List<?> items) {
      list(items, "[", "]", out);
    } else if (value instanceof DictView view) {
      out.append(view.kind());
      list(view.items(), "([", "])", out);
    } else if (value instanceof Map<?, ?> map) {
      dict(map, out);
    } else if (Values.isNumber(value) || value instanceof None) {
      out.append(value.toString());
    } else {
      // Python would print an address in memory, which differs from run to run.
      throw JinjaException.runtime("a " + Values.pythonType(value) + " cannot be printed");
    }
  }

  private static void list(List<?> items, String open, String close, TextBuilder out) {
    out.append(open);
    String separator = "";
    for (Object item : items) {
      out.append(separator);
      repr(item, out);
      separator = ", ";
    }
    out.append(close);
  }

  private static void dict(Map<?, ?> map, TextBuilder out) {
    out.append("{");
    Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<?, ?> entry = entries.next();
      repr(entry.getKey(), out);
      out.append(": ");
      repr(entry.getValue(), out);
      out.append(entries.hasNext() ? ", " : "");
    }
    out.append("}");
  }
}
