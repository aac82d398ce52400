package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.PendingTokens;
import java.util.ArrayList;
import java.util.List;

/**
 * The batches of one iteration whose tokens have not been read, in the order they were enqueued.
 */
final class InFlight {

  /** What a batch did. */
  enum Stage {
    PREFILL,
    DECODE
  }

  /** Tokens to come, one for each sequence. */
  record Batch(Stage stage, PendingTokens tokens, Sequence[] sequences) {}

  private final List<Batch> batches = new ArrayList<>(2);

  void add(Stage stage, PendingTokens tokens, Sequence[] sequences) {
    if (tokens.size() != sequences.length) {
      throw new IllegalStateException(
          "a %s batch of %d sequences returned %d tokens"
              .formatted(stage, sequences.length, tokens.size()));
    }
    batches.add(new Batch(stage, tokens, sequences));
  }

  List<Batch> batches() {
    return batches;
  }

  boolean isEmpty() {
    return batches.isEmpty();
  }
}
