package io.tracemill.engine.cpu;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Runs texts through a network as prompts and adds up their queries before the rotary embedding.
 *
 * <p><b>Threads.</b> May be shared; one text is run at a time. <b>Ownership.</b> Who opened it
 * closes it.
 */
public final class QueryCollection implements AutoCloseable {
  private static final int LANE = 0;

  private final CpuBackend backend;
  private final ModelConfig config;
  private final int maxTokens;
  private final int chunkTokens;

  /** One lock for each head: its rows come from several threads, layers one after the other. */
  private final Object[] headLocks;

  private QuerySums sums;

  /** Takes a backend of one lane and without work. */
  QueryCollection(CpuBackend backend, ModelConfig config, int maxTokens, int chunkTokens) {
    this.backend = backend;
    this.config = config;
    this.maxTokens = maxTokens;
    this.chunkTokens = chunkTokens;
    headLocks = new Object[config.numQueryHeads()];
    Arrays.setAll(headLocks, head -> new Object());
    backend.observeQueries(this::add);
  }

  /**
   * Sums over some texts; the iterator is asked for each while nothing else is run.
   *
   * @param texts token ids; cut off where they are too long, passed over where they are empty
   */
  public QuerySums collect(Iterator<int[]> texts) {
    QuerySums total = emptySums();
    while (texts.hasNext()) {
      int[] text = texts.next();
      if (text.length > 0) {
        total.merge(run(text.length > maxTokens ? Arrays.copyOf(text, maxTokens) : text));
      }
    }
    return total;
  }

  private QuerySums emptySums() {
    return new QuerySums(config.numLayers(), config.numQueryHeads(), config.headDim() / 2);
  }

  private void add(int layer, int head, float[] query, int offset) {
    synchronized (headLocks[head]) {
      sums.add(layer, head, query, offset);
    }
  }

  private synchronized QuerySums run(int[] text) {
    int numPages = KvLayout.pagesFor(text.length);
    if (numPages > backend.info().numPages()) {
      throw CpuErrors.textDoesNotFit(
          text.length, backend.info().numPages() * KvLayout.PAGE_SIZE_TOKENS);
    }
    sums = emptySums();
    backend.startLane(new LaneStart(LANE, SamplingParams.greedy(1), 0, text, 0));
    try {
      backend.mapPages(LANE, 0, IntStream.range(0, numPages).toArray());
      for (int from = 0; from < text.length; from += chunkTokens) {
        int to = Math.min(text.length, from + chunkTokens);
        int[] chunk = Arrays.copyOfRange(text, from, to);
        backend.prefill(List.of(new PrefillChunk(LANE, from, chunk, to == text.length)));
      }
    } finally {
      backend.endLane(LANE);
    }
    sums.countText(text.length);
    return sums;
  }

  /** Frees the model's memory; closing twice is allowed. */
  @Override
  public synchronized void close() {
    backend.close();
  }
}
