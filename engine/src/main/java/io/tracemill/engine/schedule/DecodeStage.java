package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.PageAllocator;
import io.tracemill.engine.kvcache.PageTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Advances all lanes whose prompt is complete by one token each: in one batch, or in several where
 * memory is short. Arrays of an unchanged batch are used again.
 */
final class DecodeStage {
  private final Backend backend;
  private final PageAllocator allocator;
  private final Admission admission;
  private final Shedder shedder;
  private final EngineCounters counters;
  private final BatchLimit limit = new BatchLimit();
  private final List<Sequence> decoding = new ArrayList<>();

  private final Sequence[] ready;
  private int numReady;
  private int numPaused;
  private final Map<Sequence, ReasoningException> unmapped = new LinkedHashMap<>();
  private int[] lanes = new int[0];
  private Sequence[] sequences = new Sequence[0];

  DecodeStage(
      Backend backend,
      PageAllocator allocator,
      Admission admission,
      Shedder shedder,
      EngineCounters counters) {
    this.backend = backend;
    this.allocator = allocator;
    this.admission = admission;
    this.shedder = shedder;
    this.counters = counters;
    this.ready = new Sequence[backend.info().maxLanes()];
  }

  void add(Sequence sequence) {
    decoding.add(sequence);
  }

  void remove(Sequence sequence) {
    decoding.remove(sequence);
  }

  /** Lanes that can only go on once pages become free. */
  boolean isStarved() {
    return numPaused > 0 && numReady == 0;
  }

  /** The sequence that was admitted last. */
  Sequence youngest() {
    return decoding.get(decoding.size() - 1);
  }

  /**
   * Enqueues one step and returns the sequences that took part; the list is valid until the next.
   */
  List<Sequence> enqueue(long clock, InFlight inFlight) {
    collectReady(clock);
    unmapped.forEach((sequence, cause) -> shedder.shed(sequence, "mapping pages", cause));
    List<Sequence> stepped = Arrays.asList(ready).subList(0, numReady);
    int from = 0;
    while (from < numReady) {
      int to = from + limit.of(numReady - from);
      arrange(from, to);
      PendingTokens tokens;
      try {
        tokens = backend.decode(lanes);
      } catch (ReasoningException e) {
        Shedder.requireInsufficientResources(e);
        limit.failedAt(to - from);
        if (to - from == 1) {
          shedder.shed(ready[from], "decoding", e);
          from = to;
        }
        continue;
      }
      limit.succeeded();
      inFlight.add(InFlight.Stage.DECODE, tokens, sequences);
      for (int i = from; i < to; i++) {
        ready[i].stepEnqueued();
      }
      from = to;
    }
    return stepped;
  }

  /**
   * Gives each lane the page its next row needs; a lane for which none is free sits this one out.
   */
  private void collectReady(long clock) {
    numReady = 0;
    numPaused = 0;
    unmapped.clear();
    for (int i = 0; i < decoding.size(); i++) {
      Sequence sequence = decoding.get(i);
      int step = sequence.enqueuedSteps() + 1;
      if (clock < sequence.originClock() + step) {
        continue;
      }
      if (step > sequence.plannedLastStep()) {
        admission.release(sequence);
        sequence.planMore();
        admission.admit(sequence);
      }
      PageTable pages = sequence.pages();
      sequence.settleRows();
      int rows = sequence.rowsAttended(step);
      boolean enough = pages.missingPages(rows) <= allocator.freePages();
      if (clock != sequence.originClock() + step || !enough) {
        moveTo(sequence, enough ? clock - step : clock + 1 - step);
      }
      if (!enough) {
        numPaused++;
        counters.pausedLaneSteps.increment();
        continue;
      }
      if (pages.missingPages(rows) == 0 || mapMore(sequence, rows)) {
        ready[numReady++] = sequence;
      }
    }
  }

  private boolean mapMore(Sequence sequence, int rows) {
    PageTable pages = sequence.pages();
    int firstNew = pages.grow(rows);
    try {
      backend.mapPages(sequence.lane(), firstNew, pages.pagesFrom(firstNew));
      return true;
    } catch (ReasoningException e) {
      Shedder.requireInsufficientResources(e);
      unmapped.put(sequence, e);
      return false;
    }
  }

  private void moveTo(Sequence sequence, long originClock) {
    admission.release(sequence);
    sequence.moveOrigin(originClock);
    admission.admit(sequence);
  }

  private void arrange(int from, int to) {
    if (!Arrays.equals(sequences, 0, sequences.length, ready, from, to)) {
      sequences = Arrays.copyOfRange(ready, from, to);
      lanes = new int[to - from];
      for (int i = 0; i < lanes.length; i++) {
        lanes[i] = sequences[i].lane();
      }
    }
  }
}
