package io.tracemill.engine.text.jinja;

import java.util.List;
import java.util.Map;

/** The evaluated arguments of one call. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /**
   * The arguments in the order of {@code parameters}; {@code null} where one was not given.
   *
   * @throws JinjaException if there are too many, or one is named that the function does not have
   */
  Object[] bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw JinjaException.runtime(
          function
              + " takes at most "
              + parameters.length
              + " arguments, "
              + positional.size()
              + " given");
    }
    Object[] bound = new Object[parameters.length];
    for (int i = 0; i < positional.size(); i++) {
      bound[i] = positional.get(i);
    }
    named.forEach((name, value) -> bindNamed(function, parameters, bound, name, value));
    return bound;
  }

  private static void bindNamed(
      String function, String[] parameters, Object[] bound, String name, Object value) {
    for (int i = 0; i < parameters.length; i++) {
      if (parameters[i].equals(name)) {
        if (bound[i] != null) {
          throw JinjaException.runtime(
              function + " got two values for the argument '" + name + "'");
        }
        bound[i] = value;
        return;
      }
    }
    throw JinjaException.runtime(function + " got an unexpected argument '" + name + "'");
  }

  /** Like {@link #bind}, where the first {@code required} arguments must be given. */
  Object[] bindRequired(String function, int required, String... parameters) {
    Object[] bound = bind(function, parameters);
    for (int i = 0; i < required; i++) {
      if (bound[i] == null) {
        throw JinjaException.runtime(function + " needs the argument '" + parameters[i] + "'");
      }
    }
    return bound;
  }
}
