package io.tracemill.udf;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * A feeder whose requests are generated once with identical ones of other tasks. While it waits for
 * results of its own, copies of others' may come late by the time it was told to wait.
 */
final class SharingFeeder implements Feeder, IdenticalRequests.Follower {
  private final Feeder feeder;
  private final IdenticalRequests identical;
  private final Map<RowSample, IdenticalRequests.Key> leading = new HashMap<>();
  private final LinkedBlockingQueue<Arrival> arrivals = new LinkedBlockingQueue<>();
  private int following;
  private boolean closed;

  private record RowSample(String rowKey, int sampleIndex) {}

  /** A copy, or a request that has to be submitted again. */
  private record Arrival(Optional<GenerationResult> copy, Optional<GenerationRequest> again) {}

  SharingFeeder(Feeder feeder, IdenticalRequests identical) {
    this.feeder = feeder;
    this.identical = identical;
  }

  @Override
  public void submit(GenerationRequest request) {
    Optional<IdenticalRequests.Key> key = IdenticalRequests.key(request);
    if (key.isPresent() && !identical.lead(key.get(), request, this)) {
      following++;
      return;
    }
    key.ifPresent(k -> leading.put(new RowSample(request.rowKey(), request.sampleIndex()), k));
    feeder.submit(request);
  }

  @Override
  public int outstanding() {
    return feeder.outstanding() + following;
  }

  @Override
  public Optional<GenerationResult> poll(Duration timeout) {
    Optional<GenerationResult> copy = arrived(Duration.ZERO);
    if (copy.isPresent()) {
      return copy;
    }
    if (feeder.outstanding() == 0) {
      return following == 0 ? Optional.empty() : arrived(timeout);
    }
    try {
      Optional<GenerationResult> result = feeder.poll(timeout);
      result.ifPresent(this::finished);
      return result;
    } catch (ReasoningException e) {
      if (e.code() == ErrorCode.ENGINE_DEAD) {
        identical.died(e);
      }
      throw e;
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      feeder.close();
      leading.values().forEach(identical::abandon);
      leading.clear();
      following = 0;
    }
  }

  @Override
  public void deliver(GenerationResult copy) {
    arrivals.add(new Arrival(Optional.of(copy), Optional.empty()));
  }

  @Override
  public void submitAgain(GenerationRequest request) {
    arrivals.add(new Arrival(Optional.empty(), Optional.of(request)));
  }

  private void finished(GenerationResult result) {
    IdenticalRequests.Key key =
        leading.remove(new RowSample(result.rowKey(), result.sampleIndex()));
    if (key != null) {
      identical.finish(key, result);
    }
  }

  private Optional<GenerationResult> arrived(Duration timeout) {
    Arrival arrival;
    try {
      arrival = arrivals.poll(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
    if (arrival == null) {
      Optional<ReasoningException> death = following == 0 ? Optional.empty() : identical.death();
      if (death.isPresent()) {
        throw new ReasoningException(ErrorCode.ENGINE_DEAD, death.get().getMessage(), death.get());
      }
      return Optional.empty();
    }
    following--;
    arrival.again().ifPresent(this::submit);
    return arrival.copy();
  }
}
