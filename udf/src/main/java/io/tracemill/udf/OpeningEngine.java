package io.tracemill.udf;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** An engine that a thread of its own opens, for whoever waits. */
final class OpeningEngine {
  private static final Logger LOG = LoggerFactory.getLogger(OpeningEngine.class);
  private static final long JOIN_SLICE_MILLIS = 100;

  private final CompletableFuture<SharedEngine> opening = new CompletableFuture<>();

  private OpeningEngine() {}

  /** Begins to open an engine. */
  static OpeningEngine start(Supplier<SharedEngine> opener) {
    OpeningEngine started = new OpeningEngine();
    Thread thread =
        new Thread(
            () -> {
              try {
                SharedEngine engine = opener.get();
                LOG.info("{}", engine.description());
                EngineGauges.registerWithSpark();
                started.opening.complete(engine);
              } catch (Throwable e) { // Whatever it was, the waiting tasks must hear of it.
                started.opening.completeExceptionally(e);
              }
            },
            "tracemill-open");
    thread.setDaemon(true);
    thread.start();
    return started;
  }

  /** Whether it could not be opened. */
  boolean hasFailed() {
    return opening.isCompletedExceptionally();
  }

  /** The engine, where it is open by now. */
  Optional<SharedEngine> ifOpen() {
    return opening.isDone() && !hasFailed() ? Optional.of(opening.join()) : Optional.empty();
  }

  /**
   * Waits for the engine.
   *
   * @param cancelled asked a few times a second
   * @throws ReasoningException where it cannot be opened, or {@code cancelled} became true
   */
  SharedEngine await(BooleanSupplier cancelled) {
    while (true) {
      try {
        return opening.get(JOIN_SLICE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (cancelled.getAsBoolean()) {
          throw new ReasoningException(
              ErrorCode.BACKEND_UNAVAILABLE, "The task was cancelled while its engine opened.");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ReasoningException(
            ErrorCode.BACKEND_UNAVAILABLE, "The task was interrupted while its engine opened.", e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof ReasoningException known) {
          throw new ReasoningException(known.code(), known.getMessage(), known);
        }
        throw new ReasoningException(
            ErrorCode.INTERNAL, "The engine could not be opened: " + e.getCause(), e.getCause());
      }
    }
  }

  /** Closes the engine; one that is still being opened is closed by whoever finishes opening it. */
  void close() {
    opening.thenAccept(SharedEngine::close);
  }
}
