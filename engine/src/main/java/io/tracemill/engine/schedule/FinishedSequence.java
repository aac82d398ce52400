package io.tracemill.engine.schedule;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.Timings;
import java.util.Objects;
import java.util.Optional;

/**
 * The outcome of one sequence.
 *
 * @param spec what was asked
 * @param reason why it ended
 * @param error present exactly where the reason is {@link FinishReason#ERROR}
 * @param tokens output tokens, the one that ended the output included; the array is the receiver's
 * @param kv what its cache held
 * @param timings where its time went
 */
public record FinishedSequence(
    SequenceSpec spec,
    FinishReason reason,
    Optional<RowError> error,
    int[] tokens,
    KvAccount kv,
    Timings timings) {
  public FinishedSequence {
    Objects.requireNonNull(spec, "spec");
    Objects.requireNonNull(kv, "kv");
    Objects.requireNonNull(timings, "timings");
    if (error.isPresent() != (reason == FinishReason.ERROR)) {
      throw new IllegalArgumentException("finish reason " + reason + " with error " + error);
    }
  }
}
