package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/** Lanes of a backend with a page allocator of their own, driven as a scheduler would. */
final class PagedLanes {
  private final Backend backend;
  private final Deque<Integer> freePages = new ArrayDeque<>();
  private final List<List<Integer>> pagesOf = new ArrayList<>();

  PagedLanes(Backend backend) {
    this.backend = backend;
    for (int page = 0; page < backend.info().numPages(); page++) {
      freePages.add(page);
    }
    for (int lane = 0; lane < backend.info().maxLanes(); lane++) {
      pagesOf.add(new ArrayList<>());
    }
  }

  void start(int lane, int[] prompt, SamplingParams sampling, long key, int ring) {
    backend.startLane(new LaneStart(lane, sampling, key, prompt, ring));
  }

  /** Maps pages so that the lane can hold {@code rows} rows. */
  void reserve(int lane, int rows) {
    List<Integer> pages = pagesOf.get(lane);
    int first = pages.size();
    int needed = KvLayout.pagesFor(rows) - first;
    if (needed > 0) {
      int[] added = new int[needed];
      for (int i = 0; i < needed; i++) {
        added[i] = freePages.remove();
        pages.add(added[i]);
      }
      backend.mapPages(lane, first, added);
    }
  }

  /** Gives pages back that rows past {@code rows} used. */
  void release(int lane, int rows) {
    List<Integer> pages = pagesOf.get(lane);
    while (pages.size() > KvLayout.pagesFor(rows)) {
      freePages.addLast(pages.remove(pages.size() - 1));
    }
  }

  void end(int lane) {
    release(lane, 0);
    backend.endLane(lane);
  }

  /** The page that holds a row of a lane. */
  int page(int lane, int row) {
    return pagesOf.get(lane).get(row / KvLayout.PAGE_SIZE_TOKENS);
  }

  int freePages() {
    return freePages.size();
  }

  /** Feeds the prompt in chunks of the given size and returns the first output token. */
  int prefill(int lane, int[] prompt, int chunkTokens) {
    reserve(lane, prompt.length);
    for (int from = 0; ; from += chunkTokens) {
      int to = Math.min(from + chunkTokens, prompt.length);
      boolean last = to == prompt.length;
      int[] tokens = Arrays.copyOfRange(prompt, from, to);
      int[] sampled = backend.prefill(List.of(new PrefillChunk(lane, from, tokens, last))).await();
      if (last) {
        return sampled[0];
      }
    }
  }
}
