package io.tracemill.engine.backend;

/** Tokens that a batch sampled or is about to sample. */
public interface PendingTokens {
  /**
   * Stands where no token could be drawn, because a lane's logits were not finite. Such a lane can
   * only be ended; steps that are in flight for it are computed and mean nothing. Other lanes are
   * not touched, nor are later owners of its pages.
   */
  int NO_TOKEN = -1;

  /** Number of tokens. */
  int size();

  /** Whether {@link #await} would return at once. */
  boolean isDone();

  /**
   * Waits for the batch and returns its tokens, {@code [size]}, each a token id or {@link
   * #NO_TOKEN}. The array belongs to the caller.
   *
   * @throws io.tracemill.engine.error.ReasoningException of type {@code DEVICE} where the device
   *     failed
   */
  int[] await();
}
