package io.tracemill.engine.text.jinja;

/**
 * Python's {@code None}; a value of its own, so that Java's null never travels through a template.
 */
enum None {
  NONE;

  @Override
  public String toString() {
    return "None";
  }
}
