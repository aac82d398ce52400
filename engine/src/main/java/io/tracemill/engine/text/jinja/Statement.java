package io.tracemill.engine.text.jinja;

/** A piece of a compiled template that writes text or changes names. */
interface Statement {
  /** How a statement ended. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow execute(Scope scope, TextBuilder out);

  /** The line in the template, counted from 1; 0 where no error can arise. */
  default int line() {
    return 0;
  }
}
