package io.tracemill.engine.backend;

/** Tokens that a batch sampled or is about to sample. */
public interface PendingTokens {

  /** Number of tokens. */
  int size();

  /** Whether {@link #await} would return at once. */
  boolean isDone();

  /**
   * Waits for the batch and returns its tokens, {@code [size]}. The array belongs to the caller.
   *
   * @throws io.tracemill.engine.error.ReasoningException of type {@code DEVICE} where the device
   *     failed
   */
  int[] await();
}
