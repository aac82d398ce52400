package io.tracemill.udf;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;

/**
 * Whose engine this JVM runs. Spark may load these classes twice in one executor (one class loader
 * a session for uploaded jars). A system property names the copy that owns the engine, so that a
 * second copy refuses plainly instead of loading a second model onto the same device.
 */
final class EngineOwner {
  private static final String SELF =
      EngineOwner.class.getClassLoader() + "@" + System.identityHashCode(EngineOwner.class);

  private EngineOwner() {}

  /**
   * Takes the engine for this copy.
   *
   * @throws ReasoningException where another copy has it
   */
  static void claim() {
    Object owner = System.getProperties().putIfAbsent(EngineHolder.OWNER_PROPERTY, SELF);
    if (owner != null && !owner.equals(SELF)) {
      throw new ReasoningException(
          ErrorCode.BACKEND_UNAVAILABLE,
          "This JVM already runs an engine of another copy of Tracemill ("
              + owner
              + "); put the jars on Spark's class path once, not into each session.");
    }
  }

  /** Gives it up, where this copy has it. */
  static void release() {
    System.getProperties().remove(EngineHolder.OWNER_PROPERTY, SELF);
  }
}
