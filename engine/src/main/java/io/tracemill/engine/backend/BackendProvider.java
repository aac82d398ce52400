package io.tracemill.engine.backend;

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
   * Loads the model onto the device and allocates everything a run needs.
   *
   * @throws io.tracemill.engine.error.ReasoningException where the model does not fit or an option
   *     cannot be honoured; nothing stays allocated then
   */
  Backend open(BackendRequest request);
}
