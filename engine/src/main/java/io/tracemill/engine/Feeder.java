package io.tracemill.engine;

import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import java.time.Duration;
import java.util.Optional;

/**
 * One caller's door to an engine: what it submits comes back to it, in the order of completion.
 * Several feeders share one engine, so batches stay full when one of them runs dry.
 *
 * <p><b>Threads.</b> One feeder is used by one thread at a time; different feeders are independent.
 */
public interface Feeder extends AutoCloseable {

  /**
   * Renders and tokenises on the calling thread and queues the request. Blocks while this feeder's
   * queue is full. A row that cannot be run (empty, too long, not encodable) does not throw: it
   * comes back as a result with an error.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code ENGINE_DEAD} where the
   *     engine has failed
   */
  void submit(GenerationRequest request);

  /** Requests submitted whose results have not been taken. */
  int outstanding();

  /**
   * The next finished result, waiting at most {@code timeout} for one; empty where none came or
   * nothing is outstanding.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code ENGINE_DEAD} once the
   *     engine has failed and all results that were finished before have been handed out
   */
  Optional<GenerationResult> poll(Duration timeout);

  /**
   * Withdraws what is outstanding; running sequences leave within one step. Closing twice is
   * allowed.
   */
  @Override
  void close();
}
