package io.tracemill.engine.text.jinja;

/** A piece of a compiled template that has a value. */
interface Expression {
  Object evaluate(Scope scope);
}
