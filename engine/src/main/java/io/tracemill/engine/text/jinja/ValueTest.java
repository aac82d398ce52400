package io.tracemill.engine.text.jinja;

/** What stands behind {@code value is name(arguments)}. */
interface ValueTest {
  boolean holds(Object value, Arguments arguments);
}
