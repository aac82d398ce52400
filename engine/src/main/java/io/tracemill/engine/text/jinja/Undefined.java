package io.tracemill.engine.text.jinja;

/**
 * The value of a name, attribute or item that does not exist: prints as nothing, is false, empty
 * and equal to its like, and fails when anything is done with it.
 */
record Undefined(String reason) {
  static Undefined name(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  static Undefined attribute(Object owner, String name) {
    return new Undefined("'" + Values.typeName(owner) + "' has no attribute '" + name + "'");
  }

  static Undefined element(Object owner, Object key) {
    return new Undefined(Values.typeName(owner) + " has no element " + Printer.repr(key));
  }

  JinjaException failure() {
    return JinjaException.runtime(reason);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Undefined;
  }

  @Override
  public int hashCode() {
    return 0;
  }
}
