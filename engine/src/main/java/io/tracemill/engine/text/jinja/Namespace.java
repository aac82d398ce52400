package io.tracemill.engine.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one value that a template may change: {@code namespace(found=false)}. */
final class Namespace {
  private final Map<String, Object> attributes = new LinkedHashMap<>();

  Object get(String name) {
    Object value = attributes.get(name);
    return value == null ? Undefined.attribute(this, name) : value;
  }

  void set(String name, Object value) {
    attributes.put(name, value);
  }
}
