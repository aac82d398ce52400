package io.tracemill.engine.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a template's values are in Java, and the questions Python asks of all of them.
 *
 * <p>str is {@link Text}, int is {@link Long} (or {@link BigInteger} where the caller passed one
 * beyond 64 bits), float is {@link Double}, bool is {@link Boolean}, list is {@link List}, dict is
 * {@link Map}.
 */
final class Values {
  /** Most items of a list that a template may build, as many as Jinja's sandbox allows a range. */
  static final int MAX_ITEMS = 1 << 20;

  private Values() {}

  /**
   * The template's form of a Java value: strings, numbers, booleans, null, maps and lists of these.
   */
  static Object of(Object value) {
    if (value == null) {
      return None.NONE;
    }
    if (value instanceof String string) {
      return Text.of(string);
    }
    if (value instanceof Text
        || value instanceof Boolean
        || value instanceof Long
        || value instanceof Double) {
      return value;
    }
    if (value instanceof Integer || value instanceof Short || value instanceof Byte) {
      return ((Number) value).longValue();
    }
    if (value instanceof Float || value instanceof BigDecimal) {
      return ((Number) value).doubleValue();
    }
    if (value instanceof BigInteger integer) {
      return integer.bitLength() < 64 ? (Object) integer.longValue() : integer;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> dict = new LinkedHashMap<>();
      map.forEach((key, item) -> dict.put(of(key), of(item)));
      return dict;
    }
    if (value instanceof Collection<?> collection) {
      List<Object> list = new ArrayList<>(collection.size());
      collection.forEach(item -> list.add(of(item)));
      return list;
    }
    throw new IllegalArgumentException(
        "a template cannot use a value of " + value.getClass().getName());
  }

  static boolean truth(Object value) {
    if (value instanceof Boolean bool) {
      return bool;
    }
    if (value instanceof Text text) {
      return !text.isEmpty();
    }
    if (value instanceof Long number) {
      return number != 0;
    }
    if (value instanceof Double number) {
      return number != 0;
    }
    if (value instanceof Collection<?> collection) {
      return !collection.isEmpty();
    }
    if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    if (value instanceof DictView view) {
      return !view.items().isEmpty();
    }
    return !(value instanceof None || value instanceof Undefined);
  }

  /** The name that Jinja prints for the type of a value in its messages. */
  static String typeName(Object value) {
    String type = pythonType(value);
    return value instanceof None ? "None" : type + " object";
  }

  static String pythonType(Object value) {
    if (value instanceof Text) {
      return "str";
    }
    if (value instanceof Long || value instanceof BigInteger) {
      return "int";
    }
    if (value instanceof Double) {
      return "float";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof Tuple) {
      return "tuple";
    }
    if (value instanceof Range) {
      return "range";
    }
    if (value instanceof List) {
      return "list";
    }
    if (value instanceof Map) {
      return "dict";
    }
    if (value instanceof None) {
      return "NoneType";
    }
    if (value instanceof DictView view) {
      return view.kind();
    }
    if (value instanceof Generated) {
      return "generator";
    }
    if (value instanceof Namespace) {
      return "jinja2.utils.Namespace";
    }
    return value instanceof Undefined ? "Undefined" : "function";
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof BigInteger;
  }

  static boolean isNumber(Object value) {
    return isInteger(value) || value instanceof Double || value instanceof Boolean;
  }

  /** The items that iterating over {@code value} gives. */
  static List<Object> items(Object value) {
    if (value instanceof Collection<?> collection) {
      return new ArrayList<>(collection);
    }
    if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof DictView view) {
      return view.items();
    }
    if (value instanceof Text text) {
      List<Object> characters = new ArrayList<>(text.length());
      for (int i = 0; i < text.length(); ) {
        int next = i + Character.charCount(text.value().codePointAt(i));
        characters.add(text.substring(i, next));
        i = next;
      }
      return characters;
    }
    if (value instanceof Generated generated) {
      List<Object> rest = new ArrayList<>();
      generated.iterator().forEachRemaining(rest::add);
      return rest;
    }
    if (value instanceof Undefined) {
      return List.of();
    }
    throw JinjaException.runtime("'" + pythonType(value) + "' object is not iterable");
  }

  static long length(Object value) {
    if (value instanceof Text text) {
      return text.codePointCount();
    }
    if (value instanceof Collection<?> collection) {
      return collection.size();
    }
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof DictView view) {
      return view.items().size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    throw JinjaException.runtime("object of type '" + pythonType(value) + "' has no len()");
  }

  /** The characters of a value where text is needed: itself if it is one, else as it prints. */
  static Text text(Object value) {
    return value instanceof Text text ? text : Printer.print(value);
  }

  static Text requireText(Object value, String use) {
    if (value instanceof Text text) {
      return text;
    }
    throw failure(value, use + " needs a string, not " + pythonType(value));
  }

  static int requireInt(Object value, String use) {
    if (value instanceof Boolean bool) {
      return bool ? 1 : 0;
    }
    if (value instanceof Long number) {
      return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, number));
    }
    throw failure(value, use + " needs an integer, not " + pythonType(value));
  }

  /**
   * The error of an operation on a value it does not take; an undefined value reports its own
   * reason.
   */
  static JinjaException failure(Object value, String reason) {
    return value instanceof Undefined undefined
        ? undefined.failure()
        : JinjaException.runtime(reason);
  }
}
