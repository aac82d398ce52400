package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A macro, or the body of a {@code call} block, together with the scope it was defined in. */
final class Macro implements Callable {
  /** A parameter and its default. */
  record Parameter(String name, Optional<Expression> fallback) {}

  /**
   * What the template says about a macro; the flags tell which of the implicit names its body uses.
   */
  record Definition(
      String name,
      List<Parameter> parameters,
      Statement body,
      boolean usesVarargs,
      boolean usesKwargs,
      boolean usesCaller) {}

  private final Definition definition;
  private final Scope definedIn;

  Macro(Definition definition, Scope definedIn) {
    this.definition = definition;
    this.definedIn = definedIn;
  }

  Object attribute(String name) {
    return name.equals("name") ? Text.of(definition.name) : null;
  }

  @Override
  public Object call(Arguments arguments, Scope callerScope) {
    Scope scope = definedIn.inner();
    bind(arguments, scope);
    RenderState state = scope.state();
    state.enterMacro();
    try {
      TextBuilder out = new TextBuilder();
      definition.body.execute(scope, out);
      return out.build();
    } finally {
      state.leaveMacro();
    }
  }

  private void bind(Arguments arguments, Scope scope) {
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    List<Parameter> parameters = definition.parameters;
    bindCaller(named, scope);
    int given = arguments.positional().size();
    for (int i = 0; i < parameters.size(); i++) {
      Parameter parameter = parameters.get(i);
      Object value = i < given ? arguments.positional().get(i) : null;
      Object byName = named.remove(parameter.name);
      if (value != null && byName != null) {
        throw JinjaException.runtime(
            "macro '" + definition.name + "' got two values for '" + parameter.name + "'");
      }
      value = value == null ? byName : value;
      if (value == null) {
        value =
            parameter.fallback.isPresent()
                ? parameter.fallback.get().evaluate(scope)
                : new Undefined("parameter '" + parameter.name + "' was not provided");
      }
      scope.set(parameter.name, value);
    }
    bindRest(arguments.positional(), named, scope);
  }

  private void bindCaller(Map<String, Object> named, Scope scope) {
    if (definition.usesCaller) {
      Object caller = named.remove("caller");
      scope.set("caller", caller == null ? new Undefined("No caller defined") : caller);
    }
  }

  private void bindRest(List<Object> positional, Map<String, Object> named, Scope scope) {
    int expected = definition.parameters.size();
    if (definition.usesKwargs) {
      Map<Object, Object> kwargs = new LinkedHashMap<>();
      named.forEach((name, value) -> kwargs.put(Text.of(name), value));
      scope.set("kwargs", kwargs);
    } else if (!named.isEmpty()) {
      throw JinjaException.runtime(
          "macro '"
              + definition.name
              + "' takes no keyword argument '"
              + named.keySet().iterator().next()
              + "'");
    }
    List<Object> rest =
        positional.size() > expected
            ? new ArrayList<>(positional.subList(expected, positional.size()))
            : List.of();
    if (definition.usesVarargs) {
      scope.set("varargs", new Tuple(rest));
    } else if (!rest.isEmpty()) {
      throw JinjaException.runtime(
          "macro '" + definition.name + "' takes not more than " + expected + " argument(s)");
    }
  }
}
