package io.tracemill.udf;

import java.io.Serializable;
import org.apache.spark.TaskContext;

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

  /**
   * The opener for a task, asked on the task's own thread, since an engine is opened on another one
   * that knows nothing of the task.
   */
  default EngineOpener inTask(TaskContext task) {
    return this;
  }
}
