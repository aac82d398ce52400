package io.tracemill.engine.backend;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.model.ModelConfig;
import java.util.Optional;

/**
 * Makes backends of one kind; found with {@link java.util.ServiceLoader}. Implementations have a
 * public constructor without arguments that does nothing which could fail.
 */
public interface BackendProvider {

  /** The short name that users choose it by: {@code cpu}, {@code cuda}. */
  String name();

  /**
   * Preference where the user left the choice open; the highest usable provider wins. The CPU
   * backend has 0.
   */
  int preference();

  /**
   * Whether it can run on this machine, with the reason. Never throws for a machine that lacks the
   * hardware.
   */
  Usability usability();

  /**
   * Why this backend cannot run a KV policy on a network; empty where it can. Asked before {@link
   * #open} and for each policy of a request; needs no device.
   *
   * @return one sentence that names what it can run instead
   */
  default Optional<String> refusal(KvCompressionPolicy policy, ModelConfig config) {
    return Optional.empty();
  }

  /**
   * Loads the model onto the device and allocates everything a run needs.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the model does not fit or an option
   *     cannot be honoured; nothing stays allocated then
   */
  Backend open(BackendRequest request);
}
