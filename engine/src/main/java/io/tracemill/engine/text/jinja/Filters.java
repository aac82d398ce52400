package io.tracemill.engine.text.jinja;

import java.util.HashMap;
import java.util.Map;

/** The filters by name. */
final class Filters {
  private static final Map<String, Filter> BY_NAME = new HashMap<>();

  static {
    TextFilters.register(BY_NAME);
    NumberFilters.register(BY_NAME);
    SequenceFilters.register(BY_NAME);
    SelectionFilters.register(BY_NAME);
    BY_NAME.put("tojson", (value, arguments, scope) -> Json.filter(value, arguments));
    BY_NAME.put("default", (value, arguments, scope) -> fallback(value, arguments));
    BY_NAME.put("d", BY_NAME.get("default"));
    BY_NAME.put(
        "attr",
        (value, arguments, scope) ->
            Items.attributeOnly(
                value, Values.text(arguments.bindRequired("attr", 1, "name")[0]).value()));
  }

  private Filters() {}

  /** The filter, or null if there is none of that name. */
  static Filter named(String name) {
    return BY_NAME.get(name);
  }

  private static Object fallback(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("default", "default_value", "boolean");
    boolean alsoFalse = bound[1] != null && Values.truth(bound[1]);
    if (value instanceof Undefined || alsoFalse && !Values.truth(value)) {
      return bound[0] == null ? Text.EMPTY : bound[0];
    }
    return value;
  }
}
