package io.tracemill.udf;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.api.TokenCounts;
import io.tracemill.engine.api.TraceText;
import java.util.List;
import java.util.Objects;

/**
 * One sample of one row on its way through a feeder: a request, or the reason why there is none.
 *
 * @param <R> what the caller wants back with the result
 */
public sealed interface Work<R> {

  /** What the caller wants back. */
  R row();

  /** A sample to generate; {@code sizeBytes} is about what its prompt weighs while it waits. */
  record Wanted<R>(R row, GenerationRequest request, long sizeBytes) implements Work<R> {
    public Wanted {
      Objects.requireNonNull(request, "request");
    }
  }

  /** A sample that cannot be generated; it ends at once in a result with this error. */
  record Refused<R>(
      R row, String rowKey, int sampleIndex, KvPolicySettings kvPolicy, RowError error)
      implements Work<R> {
    public Refused {
      Objects.requireNonNull(rowKey, "rowKey");
      Objects.requireNonNull(error, "error");
    }

    GenerationResult result() {
      return new GenerationResult(
          rowKey,
          sampleIndex,
          FinishReason.ERROR,
          java.util.Optional.of(error),
          TraceText.NONE,
          new TokenCounts(0, 0, 0, 0),
          List.of(),
          new KvAccount(kvPolicy, 0, 0, 0, 0, 0, 0, 0, 0, List.of()),
          Timings.NONE);
    }
  }

  /** A result with the row it belongs to. */
  record Done<R>(R row, GenerationResult result) {}
}
