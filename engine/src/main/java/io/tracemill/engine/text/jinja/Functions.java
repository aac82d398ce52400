package io.tracemill.engine.text.jinja;

import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template sees. */
final class Functions {
  /**
   * Functions of Jinja that this engine does not have; a call of one is refused when a template is
   * compiled.
   */
  static final List<String> UNSUPPORTED = List.of("lipsum", "cycler", "joiner");

  private Functions() {}

  /** The outermost names of a rendering; the map may be added to. */
  static Map<String, Object> globals() {
    Map<String, Object> globals = new LinkedHashMap<>();
    globals.put("range", (Callable) (arguments, scope) -> range(arguments));
    globals.put("dict", (Callable) (arguments, scope) -> dict(arguments, "dict"));
    globals.put("namespace", (Callable) (arguments, scope) -> namespace(arguments));
    globals.put("raise_exception", (Callable) (arguments, scope) -> raise(arguments));
    globals.put("strftime_now", (Callable) (arguments, scope) -> now(arguments, scope));
    return globals;
  }

  private static Object range(Arguments arguments) {
    List<Object> given = arguments.positional();
    if (given.isEmpty() || given.size() > 3 || !arguments.named().isEmpty()) {
      throw JinjaException.runtime("range takes one to three numbers");
    }
    long first = integer(given.get(0));
    if (given.size() == 1) {
      return new Range(0, first, 1);
    }
    return new Range(first, integer(given.get(1)), given.size() == 3 ? integer(given.get(2)) : 1);
  }

  private static long integer(Object value) {
    return Values.requireInt(value, "range");
  }

  private static Map<Object, Object> dict(Arguments arguments, String function) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (arguments.positional().size() > 1) {
      throw JinjaException.runtime(function + " takes at most one positional argument");
    }
    for (Object source : arguments.positional()) {
      if (source instanceof Map<?, ?> map) {
        dict.putAll(map);
      } else {
        for (Object pair : Values.items(source)) {
          List<Object> both = Values.items(pair);
          if (both.size() != 2) {
            throw JinjaException.runtime(function + " needs pairs of key and value");
          }
          Dicts.put(dict, both.get(0), both.get(1));
        }
      }
    }
    arguments.named().forEach((name, value) -> dict.put(Text.of(name), value));
    return dict;
  }

  private static Object namespace(Arguments arguments) {
    Namespace namespace = new Namespace();
    dict(arguments, "namespace")
        .forEach((name, value) -> namespace.set(Values.text(name).value(), value));
    return namespace;
  }

  private static Object raise(Arguments arguments) {
    Object message = arguments.bindRequired("raise_exception", 1, "message")[0];
    throw JinjaException.raised(Values.text(message).value());
  }

  private static Object now(Arguments arguments, Scope scope) {
    Object format = arguments.bindRequired("strftime_now", 1, "format")[0];
    ZonedDateTime now = ZonedDateTime.now(scope.state().clock());
    return Text.of(Strftime.format(Values.requireText(format, "strftime_now").value(), now));
  }
}
