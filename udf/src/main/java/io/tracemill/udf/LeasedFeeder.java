package io.tracemill.udf;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A feeder that tells the engine's holder when it meets a dead engine. */
final class LeasedFeeder implements Feeder {
  private final Feeder feeder;
  private final UnaryOperator<ReasoningException> onDeath;

  /**
   * @param onDeath asked what to throw; may not come back where the process ends
   */
  LeasedFeeder(Feeder feeder, UnaryOperator<ReasoningException> onDeath) {
    this.feeder = feeder;
    this.onDeath = onDeath;
  }

  @Override
  public void submit(GenerationRequest request) {
    try {
      feeder.submit(request);
    } catch (ReasoningException e) {
      throw judged(e);
    }
  }

  @Override
  public int outstanding() {
    return feeder.outstanding();
  }

  @Override
  public Optional<GenerationResult> poll(Duration timeout) {
    try {
      return feeder.poll(timeout);
    } catch (ReasoningException e) {
      throw judged(e);
    }
  }

  @Override
  public void close() {
    feeder.close();
  }

  private ReasoningException judged(ReasoningException e) {
    return e.code() == ErrorCode.ENGINE_DEAD ? onDeath.apply(e) : e;
  }
}
