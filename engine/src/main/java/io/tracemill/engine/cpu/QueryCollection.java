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

/** Runs texts through a backend's network as prompts and adds up their queries. */
final class QueryCollection {
  private static final int LANE = 0;

  private final CpuBackend backend;
  private final int maxTokens;
  private final int chunkTokens;
  private final QuerySums sums;

  /** The backend has one lane, no work, and one thread: sums are not shared. */
  QueryCollection(CpuBackend backend, ModelConfig config, int maxTokens, int chunkTokens) {
    this.backend = backend;
    this.maxTokens = maxTokens;
    this.chunkTokens = chunkTokens;
    this.sums = new QuerySums(config.numLayers(), config.numQueryHeads(), config.headDim() / 2);
    backend.observeQueries(sums::add);
  }

  QuerySums collect(Iterator<int[]> texts) {
    while (texts.hasNext()) {
      int[] text = texts.next();
      if (text.length > 0) {
        run(text.length > maxTokens ? Arrays.copyOf(text, maxTokens) : text);
      }
    }
    return sums;
  }

  private void run(int[] text) {
    backend.startLane(new LaneStart(LANE, SamplingParams.greedy(1), 0, text, 0));
    int pages = KvLayout.pagesFor(text.length);
    if (pages > backend.info().numPages()) {
      throw CpuErrors.textDoesNotFit(
          text.length, backend.info().numPages() * KvLayout.PAGE_SIZE_TOKENS);
    }
    backend.mapPages(LANE, 0, IntStream.range(0, pages).toArray());
    for (int from = 0; from < text.length; from += chunkTokens) {
      int to = Math.min(text.length, from + chunkTokens);
      backend.prefill(
          List.of(
              new PrefillChunk(LANE, from, Arrays.copyOfRange(text, from, to), to == text.length)));
    }
    backend.endLane(LANE);
    sums.countTokens(text.length);
  }
}
