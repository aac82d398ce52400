package io.tracemill.udf;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.error.ErrorType;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Finds identical requests among the tasks of an executor, so that one is generated for all. Two
 * requests are identical where their outputs are bound to be: equal prompts, sampling settings and
 * KV policies, and nothing drawn by chance, that is temperature 0. At any other temperature every
 * row and sample draws for itself, by its own key.
 *
 * <p>Outputs are remembered while any task uses the engine, newest first, up to a bound. Executors
 * do not know of each other: two of them generate the same output once each.
 *
 * <p><b>Threads.</b> Any.
 */
final class IdenticalRequests {
  /** Generated tokens of the outputs remembered, at some 30 bytes each. */
  private static final int MOST_TOKENS = 1_000_000;

  /** A policy that drops rows by chance, by the row's own key. */
  private static final String RANDOM_POLICY = "random";

  /** What identical requests have in common. */
  record Key(Prompt prompt, SamplingParams sampling, KvPolicySettings kvPolicy) {}

  /** One that waits for another's output. */
  interface Follower {
    /** The output, as this request's own. */
    void deliver(GenerationResult copy);

    /** There will be none: the request has to be submitted again. */
    void submitAgain(GenerationRequest request);
  }

  private record Waiting(Follower follower, GenerationRequest request) {}

  private final Map<Key, List<Waiting>> open = new HashMap<>();
  private final LinkedHashMap<Key, GenerationResult> done = new LinkedHashMap<>(16, 0.75f, true);
  private long rememberedTokens;
  private ReasoningException death;

  /** What a request has in common with identical ones; empty where it cannot have any. */
  static Optional<Key> key(GenerationRequest request) {
    SamplingParams sampling = request.sampling();
    if (!sampling.isGreedy() || request.kvPolicy().name().equals(RANDOM_POLICY)) {
      return Optional.empty();
    }
    SamplingParams withoutSeed =
        new SamplingParams(
            0,
            sampling.topK(),
            sampling.topP(),
            sampling.minP(),
            sampling.repetitionPenalty(),
            sampling.maxNewTokens(),
            sampling.stopStrings(),
            0);
    return Optional.of(new Key(request.prompt(), withoutSeed, request.kvPolicy()));
  }

  /**
   * Notes a request: its output comes to the follower, now or later.
   *
   * @return whether nobody generates it yet, so that the caller has to
   */
  synchronized boolean lead(Key key, GenerationRequest request, Follower follower) {
    GenerationResult known = done.get(key);
    if (known != null) {
      follower.deliver(copy(known, request));
      return false;
    }
    List<Waiting> waiting = open.get(key);
    if (waiting != null) {
      waiting.add(new Waiting(follower, request));
      return false;
    }
    open.put(key, new ArrayList<>());
    return true;
  }

  /** The output of the one that is generated for all; others do not get every kind of failure. */
  synchronized void finish(Key key, GenerationResult result) {
    boolean sameForAll =
        result.finishReason() != FinishReason.CANCELLED
            && result.error().map(error -> error.code().type() == ErrorType.USER).orElse(true);
    if (!sameForAll) {
      abandon(key);
      return;
    }
    for (Waiting each : open.remove(key)) {
      each.follower().deliver(copy(result, each.request()));
    }
    if (result.error().isEmpty()) {
      remember(key, result);
    }
  }

  /** The one that was generated for all will not end. */
  synchronized void abandon(Key key) {
    for (Waiting each : open.remove(key)) {
      each.follower().submitAgain(each.request());
    }
  }

  /** The engine has died; nobody's output will come. */
  synchronized void died(ReasoningException cause) {
    death = cause;
  }

  /** Why no output will come any more; empty while the engine lives. */
  synchronized Optional<ReasoningException> death() {
    return Optional.ofNullable(death);
  }

  /** Forgets all outputs: the next task belongs to another run. */
  synchronized void forget() {
    done.clear();
    rememberedTokens = 0;
  }

  private void remember(Key key, GenerationResult result) {
    if (done.put(key, result) == null) {
      rememberedTokens += result.tokenIds().size();
    }
    for (Iterator<GenerationResult> oldest = done.values().iterator();
        rememberedTokens > MOST_TOKENS && oldest.hasNext(); ) {
      rememberedTokens -= oldest.next().tokenIds().size();
      oldest.remove();
    }
  }

  private static GenerationResult copy(GenerationResult from, GenerationRequest to) {
    boolean isItself = from.rowKey().equals(to.rowKey()) && from.sampleIndex() == to.sampleIndex();
    return new GenerationResult(
        to.rowKey(),
        to.sampleIndex(),
        from.finishReason(),
        from.error(),
        from.text(),
        from.tokens(),
        from.tokenIds(),
        from.kv(),
        isItself ? from.timings() : Timings.NONE,
        isItself ? Optional.empty() : Optional.of(from.rowKey()));
  }
}
