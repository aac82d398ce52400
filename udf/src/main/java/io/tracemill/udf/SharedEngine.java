package io.tracemill.udf;

import io.tracemill.engine.EngineDescription;
import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.KvPolicySettings;
import java.util.Optional;

/**
 * The engine as the tasks of an executor see it. All methods but {@link #close} may be called from
 * any thread.
 */
public interface SharedEngine extends AutoCloseable {

  /** A new door for one task; the task closes it. */
  Feeder feeder();

  /**
   * Checks that requests may name a KV policy; a stand-in that keeps no cache allows all.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the backend cannot run it
   */
  default void requirePolicy(KvPolicySettings policy) {}

  /** Counters since the engine was opened. */
  EngineSnapshot snapshot();

  /** All about the engine; empty for a stand-in that runs no model. */
  default Optional<EngineDescription> details() {
    return Optional.empty();
  }

  /** One line for people: backend, device, element types, pages. */
  String description();

  /** The backend's name, such as {@code cpu}. */
  String backend();

  /** Stable identity of the accelerator; empty for a CPU. */
  Optional<String> deviceUuid();

  /** Ends the engine; feeders that are still open fail. */
  @Override
  void close();
}
