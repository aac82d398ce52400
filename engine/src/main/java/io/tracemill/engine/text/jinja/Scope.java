package io.tracemill.engine.text.jinja;

import java.util.HashMap;
import java.util.Map;

/**
 * The names visible at one place of a running template; loops, macros and block sets open an inner
 * scope.
 */
final class Scope {
  private final Scope parent;
  private final RenderState state;
  private final Map<String, Object> names;

  /** The outermost scope. */
  Scope(RenderState state, Map<String, Object> names) {
    this.parent = null;
    this.state = state;
    this.names = names;
  }

  private Scope(Scope parent) {
    this.parent = parent;
    this.state = parent.state;
    this.names = new HashMap<>(4);
  }

  Scope inner() {
    return new Scope(this);
  }

  RenderState state() {
    return state;
  }

  void set(String name, Object value) {
    names.put(name, value);
  }

  Object lookup(String name) {
    for (Scope scope = this; scope != null; scope = scope.parent) {
      Object value = scope.names.get(name);
      if (value != null) {
        return value;
      }
    }
    return Undefined.name(name);
  }
}
