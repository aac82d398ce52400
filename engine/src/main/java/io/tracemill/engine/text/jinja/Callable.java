package io.tracemill.engine.text.jinja;

/**
 * A value that a template can call: a global function, a method bound to its receiver, or a macro.
 */
interface Callable {
  Object call(Arguments arguments, Scope scope);
}
