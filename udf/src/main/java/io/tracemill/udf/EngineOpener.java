package io.tracemill.udf;

import java.io.Serializable;

/**
 * Makes the engine of an executor; travels in the closure of the generating stage. Implementations
 * hold no engine.
 */
@FunctionalInterface
public interface EngineOpener extends Serializable {

  /**
   * Opens an engine and loads its model.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the settings, the files or the
   *     device do not allow it
   */
  SharedEngine open(EngineSettings settings);
}
