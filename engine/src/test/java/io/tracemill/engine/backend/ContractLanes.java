package io.tracemill.engine.backend;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Drives lanes of a backend by hand, as a scheduler would, with pages in an order of the test's
 * choice. Closing it ends all lanes and closes the backend.
 */
final class ContractLanes implements AutoCloseable {
  /** Ring depth that lanes are started with. */
  static final int RING = 8;

  private static final class LaneRows {
    final List<Integer> pages = new ArrayList<>();
    int rows;
  }

  final Backend backend;
  private final ArrayDeque<Integer> freePages = new ArrayDeque<>();
  private final Map<Integer, LaneRows> lanes = new HashMap<>();
  private final Map<Integer, Integer> holders = new HashMap<>();

  /** Hands pages out in a shuffled order. */
  ContractLanes(Backend backend, Random random) {
    this.backend = backend;
    List<Integer> pages = new ArrayList<>();
    for (int page = 0; page < backend.info().numPages(); page++) {
      pages.add(page);
    }
    Collections.shuffle(pages, random);
    freePages.addAll(pages);
  }

  /** Starts a lane, feeds its prompt in chunks and returns its first token. */
  int start(int lane, int[] prompt, SamplingParams sampling, long key, int chunkTokens) {
    begin(lane, prompt, sampling, key);
    for (int from = 0; ; from += chunkTokens) {
      int to = Math.min(prompt.length, from + chunkTokens);
      PendingTokens tokens = backend.prefill(List.of(chunk(lane, prompt, from, to)));
      if (to == prompt.length) {
        return tokens.await()[0];
      }
    }
  }

  /** Starts a lane with pages for its prompt, none of which is fed yet. */
  void begin(int lane, int[] prompt, SamplingParams sampling, long key) {
    backend.startLane(new LaneStart(lane, sampling, key, prompt, RING));
    lanes.put(lane, new LaneRows());
    grow(lane, prompt.length);
  }

  /**
   * Starts a lane whose first rows lie in pages of another lane with the same prompt, feeds the
   * rest and returns its first token.
   */
  int startSharing(
      int lane, int other, int presetRows, int[] prompt, SamplingParams sampling, long key) {
    backend.startLane(new LaneStart(lane, sampling, key, prompt, RING, presetRows));
    LaneRows held = new LaneRows();
    lanes.put(lane, held);
    for (int entry = 0; entry < KvLayout.pagesFor(presetRows); entry++) {
      int page = lanes.get(other).pages.get(entry);
      held.pages.add(page);
      holders.merge(page, 1, Integer::sum);
    }
    backend.mapPages(lane, 0, held.pages.stream().mapToInt(Integer::intValue).toArray());
    held.rows = presetRows;
    grow(lane, prompt.length);
    return backend.prefill(List.of(chunk(lane, prompt, presetRows, prompt.length))).await()[0];
  }

  PrefillChunk chunk(int lane, int[] prompt, int from, int to) {
    return new PrefillChunk(lane, from, Arrays.copyOfRange(prompt, from, to), to == prompt.length);
  }

  PendingTokens decode(int... batch) {
    for (int lane : batch) {
      grow(lane, lanes.get(lane).rows + 1);
    }
    return backend.decode(batch);
  }

  /** Decodes one lane alone for some steps. */
  int[] decodeAlone(int lane, int steps) {
    int[] tokens = new int[steps];
    for (int i = 0; i < steps; i++) {
      tokens[i] = decode(lane).await()[0];
    }
    return tokens;
  }

  /** Compresses lanes to a number of candidates each; prompt and window stay. */
  PendingCompression compress(
      int[] batch, int[] promptRows, int windowRows, int[] retained, ScoreRule rule) {
    return compress(batch, promptRows, windowRows, retained, rule, KeepRule.AS_PLANNED);
  }

  /**
   * As above; where the keep rule counts, lanes keep the pages of the plan until {@link
   * #droppedBeyondPlan}.
   */
  PendingCompression compress(
      int[] batch,
      int[] promptRows,
      int windowRows,
      int[] retained,
      ScoreRule rule,
      KeepRule keep) {
    List<LaneCompression> compressions = new ArrayList<>();
    for (int i = 0; i < batch.length; i++) {
      int candidates = lanes.get(batch[i]).rows - promptRows[i] - windowRows;
      RowPlan plan = new RowPlan(promptRows[i], candidates, retained[i], windowRows);
      compressions.add(new LaneCompression(batch[i], plan, rule, keep));
    }
    PendingCompression pending = backend.compress(compressions);
    for (LaneCompression compression : compressions) {
      shrink(compression.lane(), compression.plan().rowsAfter());
    }
    return pending;
  }

  /** Gives back the pages of rows that a compression dropped beyond its plan. */
  void droppedBeyondPlan(int lane, int rows) {
    shrink(lane, lanes.get(lane).rows - rows);
  }

  int rows(int lane) {
    return lanes.get(lane).rows;
  }

  void end(int lane) {
    backend.endLane(lane);
    shrink(lane, 0);
    lanes.remove(lane);
  }

  @Override
  public void close() {
    List.copyOf(lanes.keySet()).forEach(this::end);
    backend.close();
  }

  private void grow(int lane, int rows) {
    LaneRows held = lanes.get(lane);
    int first = held.pages.size();
    while (held.pages.size() < KvLayout.pagesFor(rows)) {
      int page = freePages.removeFirst();
      held.pages.add(page);
      holders.put(page, 1);
    }
    if (held.pages.size() > first) {
      backend.mapPages(
          lane,
          first,
          held.pages.subList(first, held.pages.size()).stream()
              .mapToInt(Integer::intValue)
              .toArray());
    }
    held.rows = rows;
  }

  /** Freed pages are the next to be handed out, so that reuse comes at once. */
  private void shrink(int lane, int rows) {
    LaneRows held = lanes.get(lane);
    while (held.pages.size() > KvLayout.pagesFor(rows)) {
      int page = held.pages.remove(held.pages.size() - 1);
      if (holders.merge(page, -1, Integer::sum) == 0) {
        freePages.addFirst(page);
      }
    }
    held.rows = rows;
  }
}
