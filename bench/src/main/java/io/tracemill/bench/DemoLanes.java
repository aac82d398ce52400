package io.tracemill.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.kvcache.KvLayout;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * A full batch of lanes on the demo model: a lane whose output has ended starts the next prompt at
 * once, so every step decodes all lanes. Prompts are those of the golden files, in turn.
 */
final class DemoLanes {
  private final Backend backend;
  private final List<int[]> prompts;
  private final SamplingParams sampling;
  private final Rpc rpc;
  private final int stopToken;
  private final Deque<Integer> freePages = new ArrayDeque<>();
  private final LaneState[] lanes;
  private final int[] laneIds;
  private int nextPrompt;
  private long generated;
  private long attendedRows;
  private double compressMillis;
  private int compressions;

  /** RPC's numbers; an interval of 0 for a full cache. */
  record Rpc(int interval, int window, int kept) {
    static final Rpc OFF = new Rpc(0, 0, 0);
  }

  private static final class LaneState {
    int promptRows;
    int rows;
    int tokens;
    int compressions;
    final List<Integer> pages = new ArrayList<>();
  }

  DemoLanes(Backend backend, List<int[]> prompts, SamplingParams sampling, Rpc rpc, int stopToken) {
    this.backend = backend;
    this.prompts = prompts;
    this.sampling = sampling;
    this.rpc = rpc;
    this.stopToken = stopToken;
    for (int page = 0; page < backend.info().numPages(); page++) {
      freePages.add(page);
    }
    lanes = new LaneState[backend.info().maxLanes()];
    laneIds = new int[lanes.length];
    for (int i = 0; i < lanes.length; i++) {
      laneIds[i] = i;
      lanes[i] = new LaneState();
      start(i);
    }
  }

  /** The prompts of the golden files, as token ids. */
  static List<int[]> goldenPrompts(Path golden) throws IOException {
    List<int[]> prompts = new ArrayList<>();
    JsonMapper mapper = JsonMapper.builder().build();
    for (JsonNode file : mapper.readTree(golden.resolve("manifest.json").toFile()).get("files")) {
      JsonNode fixture = mapper.readTree(golden.resolve(file.get("file").textValue()).toFile());
      JsonNode ids = fixture.get("prompt_ids");
      int[] prompt = new int[ids.size()];
      for (int i = 0; i < prompt.length; i++) {
        prompt[i] = ids.get(i).intValue();
      }
      prompts.add(prompt);
    }
    return prompts;
  }

  private void start(int id) {
    LaneState lane = lanes[id];
    int[] prompt = prompts.get(nextPrompt++ % prompts.size());
    backend.startLane(new LaneStart(id, sampling, nextPrompt, prompt, rpc.window()));
    lane.promptRows = prompt.length;
    lane.rows = prompt.length;
    lane.compressions = 0;
    reserve(id, prompt.length);
    backend.prefill(List.of(new PrefillChunk(id, 0, prompt, true))).await();
    lane.tokens = 1;
    generated++;
  }

  private void reserve(int id, int rows) {
    LaneState lane = lanes[id];
    while (lane.pages.size() < KvLayout.pagesFor(rows)) {
      int page = freePages.remove();
      backend.mapPages(id, lane.pages.size(), new int[] {page});
      lane.pages.add(page);
    }
  }

  private void release(int id, int rows) {
    List<Integer> pages = lanes[id].pages;
    while (pages.size() > KvLayout.pagesFor(rows)) {
      // Newest first: pages are allocated when they are first used.
      freePages.addFirst(pages.remove(pages.size() - 1));
    }
  }

  /** One decode step of all lanes, with what follows from it. */
  void step() {
    for (int id : laneIds) {
      reserve(id, lanes[id].rows + 1);
    }
    int[] tokens = backend.decode(laneIds).await();
    List<LaneCompression> due = new ArrayList<>();
    for (int id : laneIds) {
      LaneState lane = lanes[id];
      lane.rows++;
      attendedRows += lane.rows;
      int step = lane.tokens++;
      generated++;
      if (step == (lane.compressions + 1) * rpc.interval() + rpc.window() && rpc.interval() > 0) {
        due.add(compression(id));
      }
    }
    if (!due.isEmpty()) {
      compressMillis += backend.compress(due).millis();
      compressions += due.size();
    }
    for (int id : laneIds) {
      if (tokens[id] == stopToken || lanes[id].tokens >= sampling.maxNewTokens()) {
        release(id, 0);
        backend.endLane(id);
        start(id);
      }
    }
  }

  private LaneCompression compression(int id) {
    LaneState lane = lanes[id];
    int number = ++lane.compressions;
    RowPlan plan =
        new RowPlan(
            lane.promptRows,
            (number - 1) * rpc.kept() + rpc.interval(),
            number * rpc.kept(),
            rpc.window());
    lane.rows = plan.rowsAfter();
    release(id, lane.rows);
    List<Float> weights = Collections.nCopies(rpc.window(), 1f);
    return new LaneCompression(
        id, plan, new ScoreRule.SelectorAttention(weights, HeadAggregation.ALL, 7));
  }

  long generated() {
    return generated;
  }

  double compressMillis() {
    return compressMillis;
  }

  int compressions() {
    return compressions;
  }

  boolean everyLaneCompressed() {
    for (LaneState lane : lanes) {
      if (lane.compressions == 0) {
        return false;
      }
    }
    return true;
  }

  long attendedRows() {
    return attendedRows;
  }

  void resetCounters() {
    generated = 0;
    attendedRows = 0;
    compressMillis = 0;
    compressions = 0;
  }
}
