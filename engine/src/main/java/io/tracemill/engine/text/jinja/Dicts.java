package io.tracemill.engine.text.jinja;

import java.util.List;
import java.util.Map;

/** Dictionaries with Python's keys, where {@code 1}, {@code 1.0} and {@code true} are one key. */
final class Dicts {
  private Dicts() {}

  /** The value of a key, or null. */
  static Object get(Map<?, ?> map, Object key) {
    return map.get(existing(map, key));
  }

  static boolean contains(Map<?, ?> map, Object key) {
    return map.containsKey(existing(map, key));
  }

  /** Sets a value; an equal key that is there already stays as it is. */
  static void put(Map<Object, Object> map, Object key, Object value) {
    map.put(existing(map, key), value);
  }

  private static Object existing(Map<?, ?> map, Object key) {
    requireKey(key);
    if (map.containsKey(key) || !Values.isNumber(key)) {
      return key;
    }
    double number = Comparisons.toDouble(key);
    for (Object other : List.of((long) number, number, number == 1)) {
      if (Comparisons.equal(other, key) && map.containsKey(other)) {
        return other;
      }
    }
    return key;
  }

  /** Lists and dictionaries may not be keys. */
  static Object requireKey(Object key) {
    if (key instanceof Map || key instanceof List && !(key instanceof Tuple)) {
      throw JinjaException.runtime("unhashable type: '" + Values.pythonType(key) + "'");
    }
    return key;
  }
}
