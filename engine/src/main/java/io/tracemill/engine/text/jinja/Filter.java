package io.tracemill.engine.text.jinja;

/** What stands behind {@code value | name(arguments)}. */
interface Filter {
  Object apply(Object value, Arguments arguments, Scope scope);
}
