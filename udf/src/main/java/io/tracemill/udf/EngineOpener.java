package io.tracemill.udf;

import io.tracemill.engine.api.KvPolicySettings;
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
   * As above, for requests whose KV policy is known: one that the backend cannot run is refused,
   * before the model is loaded where the opener can tell so early.
   */
  default SharedEngine open(EngineSettings settings, KvPolicySettings policy) {
    return open(settings);
  }

  /**
   * The opener for a task, asked on the task's own thread, since an engine is opened on another one
   * that knows nothing of the task.
   */
  default EngineOpener inTask(TaskContext task) {
    return this;
  }
}
