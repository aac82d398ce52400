package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Feeds prompts in order of admission, one batch of at most so many tokens per iteration. */
final class PrefillStage {
  private final Backend backend;
  private final int chunkTokens;
  private final Shedder shedder;
  private final EngineCounters counters;
  private final BatchLimit limit = new BatchLimit();
  private final List<Sequence> prefilling = new ArrayList<>();

  PrefillStage(Backend backend, int chunkTokens, Shedder shedder, EngineCounters counters) {
    this.backend = backend;
    this.chunkTokens = chunkTokens;
    this.shedder = shedder;
    this.counters = counters;
  }

  boolean isEmpty() {
    return prefilling.isEmpty();
  }

  void add(Sequence sequence) {
    prefilling.add(sequence);
  }

  void remove(Sequence sequence) {
    prefilling.remove(sequence);
  }

  /** Iterations, this one included, until a prompt that starts now has been fed. */
  int iterationsFor(int promptTokens) {
    long tokens = promptTokens;
    for (Sequence sequence : prefilling) {
      tokens += sequence.remainingPromptTokens();
    }
    return Math.toIntExact((tokens + chunkTokens - 1) / chunkTokens);
  }

  /**
   * Enqueues one batch, smaller where memory is short.
   *
   * @return the sequences whose prompts are now complete, in admission order
   */
  List<Sequence> enqueue(InFlight inFlight) {
    while (!prefilling.isEmpty()) {
      int budget = limit.of(chunkTokens);
      List<PrefillChunk> chunks = chunks(budget);
      PendingTokens tokens;
      try {
        tokens = backend.prefill(chunks);
      } catch (ReasoningException e) {
        Shedder.requireInsufficientResources(e);
        int size = chunks.stream().mapToInt(chunk -> chunk.tokens().length).sum();
        if (size == 1) {
          shedder.shed(prefilling.get(0), "reading the prompt", e);
        }
        limit.failedAt(size);
        continue;
      }
      limit.succeeded();
      return advance(chunks, tokens, inFlight);
    }
    return List.of();
  }

  private List<PrefillChunk> chunks(int budget) {
    List<PrefillChunk> chunks = new ArrayList<>();
    int left = budget;
    for (Sequence sequence : prefilling) {
      if (left == 0) {
        break;
      }
      int first = sequence.prefilledTokens();
      int count = Math.min(left, sequence.remainingPromptTokens());
      int[] prompt = sequence.spec().promptTokens();
      chunks.add(
          new PrefillChunk(
              sequence.lane(),
              first,
              Arrays.copyOfRange(prompt, first, first + count),
              first + count == prompt.length));
      left -= count;
    }
    return chunks;
  }

  private List<Sequence> advance(
      List<PrefillChunk> chunks, PendingTokens tokens, InFlight inFlight) {
    long nanos = System.nanoTime();
    List<Sequence> complete = new ArrayList<>();
    for (int i = 0; i < chunks.size(); i++) {
      Sequence sequence = prefilling.get(i);
      int count = chunks.get(i).tokens().length;
      sequence.prefilled(count, nanos);
      counters.promptTokens.add(count);
      if (chunks.get(i).last()) {
        complete.add(sequence);
      }
    }
    prefilling.subList(0, complete.size()).clear();
    if (!complete.isEmpty()) {
      inFlight.add(InFlight.Stage.PREFILL, tokens, complete.toArray(new Sequence[0]));
    }
    return complete;
  }
}
