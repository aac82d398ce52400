package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Methods of strings, dictionaries and lists: which exist, and binding them to a receiver. */
final class Methods {
  private static final Set<String> DICT = Set.of("items", "keys", "values", "get", "copy");
  private static final Set<String> LIST = Set.of("index", "count", "copy");
  private static final Set<String> TUPLE = Set.of("index", "count");

  /** Methods that would change a value, which Hugging Face's sandbox forbids as well. */
  private static final Set<String> MUTATING =
      Set.of(
          "append",
          "clear",
          "extend",
          "insert",
          "pop",
          "popitem",
          "remove",
          "reverse",
          "setdefault",
          "sort",
          "update");

  private Methods() {}

  /** True if some type has a method of this name, so that a call of it can succeed. */
  static boolean isKnown(String name) {
    return StringMethods.NAMES.contains(name) || DICT.contains(name) || LIST.contains(name);
  }

  static boolean isMutating(String name) {
    return MUTATING.contains(name);
  }

  /** The method {@code name} of {@code receiver}, or null if it has none. */
  static Object bound(Object receiver, String name) {
    if (receiver instanceof Text text) {
      return StringMethods.NAMES.contains(name)
          ? (Callable) (arguments, scope) -> StringMethods.call(text, name, arguments, scope)
          : null;
    }
    if (receiver instanceof Map<?, ?> map) {
      return DICT.contains(name)
          ? (Callable) (arguments, scope) -> dict(map, name, arguments)
          : null;
    }
    if (receiver instanceof Tuple tuple) {
      return TUPLE.contains(name)
          ? (Callable) (arguments, scope) -> list(tuple, name, arguments)
          : null;
    }
    if (receiver instanceof List<?> list) {
      return LIST.contains(name)
          ? (Callable) (arguments, scope) -> list(list, name, arguments)
          : null;
    }
    return null;
  }

  private static Object dict(Map<?, ?> map, String name, Arguments arguments) {
    if (name.equals("get")) {
      Object[] bound = arguments.bindRequired("get", 1, "key", "default");
      Object value = Dicts.get(map, bound[0]);
      return value != null ? value : bound[1] != null ? bound[1] : None.NONE;
    }
    arguments.bind(name);
    return switch (name) {
      case "items" -> new DictView("dict_items", pairs(map));
      case "keys" -> new DictView("dict_keys", new ArrayList<>(map.keySet()));
      case "values" -> new DictView("dict_values", new ArrayList<>(map.values()));
      default -> new LinkedHashMap<Object, Object>(map);
    };
  }

  /** The entries of a dictionary as tuples of key and value, in order. */
  static List<Object> pairs(Map<?, ?> map) {
    List<Object> pairs = new ArrayList<>(map.size());
    map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
    return pairs;
  }

  private static Object list(List<?> list, String name, Arguments arguments) {
    if (name.equals("copy")) {
      arguments.bind(name);
      return new ArrayList<Object>(list);
    }
    Object wanted = arguments.bindRequired(name, 1, "value")[0];
    long count = 0;
    for (int i = 0; i < list.size(); i++) {
      if (Comparisons.equal(list.get(i), wanted)) {
        if (name.equals("index")) {
          return (long) i;
        }
        count++;
      }
    }
    if (name.equals("index")) {
      throw JinjaException.runtime(Printer.repr(wanted) + " is not in list");
    }
    return count;
  }
}
