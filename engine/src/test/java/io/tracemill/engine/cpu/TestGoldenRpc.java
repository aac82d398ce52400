package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.cpu.GoldenFixture.RpcOutput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The demo model with RPC against {@code golden/}: paper and release selectors, aggregation over
 * all heads and per group. The runs of one prompt decode side by side in one ragged batch.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestGoldenRpc {
  private static final int MAX_RING = 32;

  private final List<GoldenFixture> fixtures = GoldenFixture.all();
  private final JsonNode tolerances = GoldenFixture.manifest().get("suggested_tolerances");
  private CpuBackend backend;
  private LaneDriver driver;
  private List<Run> runs = List.of();

  @BeforeAll
  void open() {
    backend = DemoModel.open(6, MAX_RING);
    driver = new LaneDriver(backend);
  }

  @AfterAll
  void close() {
    backend.close();
  }

  @Test
  void tokensSchedulesRowsAndScoresAgree() {
    int traced = 0;
    for (GoldenFixture fixture : fixtures) {
      runs = new ArrayList<>();
      for (RpcOutput golden : fixture.rpc()) {
        runs.add(new Run(fixture, golden, runs.size()));
      }
      backend.traceCompressions(this::onSelected);
      runs.forEach(Run::start);
      while (runs.stream().anyMatch(run -> !run.done())) {
        int[] lanes = runs.stream().filter(run -> !run.done()).mapToInt(run -> run.lane).toArray();
        runs.stream().filter(run -> !run.done()).forEach(Run::reserve);
        int[] tokens = backend.decode(lanes).await();
        for (int i = 0; i < lanes.length; i++) {
          runs.get(lanes[i]).append(tokens[i]);
        }
      }
      for (Run run : runs) {
        driver.end(run.lane);
        run.checkTokens();
        traced += run.tracesChecked;
      }
    }
    // Every fixture has firm compressions that are traced: the checks above did not run dry.
    assertThat(traced).isGreaterThan(50);
  }

  @Test
  void anIntervalBeyondTheOutputChangesNoBit() {
    GoldenFixture fixture = fixtures.get(1);
    int[] prompt = fixture.promptIds();
    int tokens = fixture.full().firmTokens();
    List<float[]> logits = new ArrayList<>();
    for (int ring : new int[] {0, MAX_RING}) {
      driver.start(0, prompt, SamplingParams.greedy(tokens), 0, ring);
      int[] ids = new int[tokens];
      ids[0] = driver.prefill(0, prompt, 64);
      for (int k = 1; k < tokens; k++) {
        driver.reserve(0, prompt.length + k);
        ids[k] = driver.decode(0);
      }
      logits.add(backend.logits(0));
      driver.end(0);
      assertThat(ids).isEqualTo(fixture.full().ids());
    }
    assertThat(logits.get(1)).isEqualTo(logits.get(0));
  }

  private void onSelected(
      int lane, int layer, int set, float[] pooled, int candidates, int[] retained, int kept) {
    runs.get(lane)
        .selected(layer, set, Arrays.copyOf(pooled, candidates), Arrays.copyOf(retained, kept));
  }

  /** One fixture with one setting in one lane. */
  private final class Run {
    private final GoldenFixture fixture;
    private final RpcOutput golden;
    private final int lane;
    private final int[] prompt;
    private final ScoreRule.SelectorAttention rule;
    private final List<Integer> ids = new ArrayList<>();

    /** True positions of the rows past the prompt, per layer and set. */
    private final List<List<List<Integer>>> positions = new ArrayList<>();

    private final Selection[][] selections;
    private int compressions;
    private int rows;
    private int tracesChecked;

    private record Selection(float[] pooled, int[] retained) {}

    Run(GoldenFixture fixture, RpcOutput golden, int lane) {
      this.fixture = fixture;
      this.golden = golden;
      this.lane = lane;
      this.prompt = fixture.promptIds();
      boolean group = golden.aggregation().equals("group");
      rule =
          new ScoreRule.SelectorAttention(
              ringWeights(golden),
              group ? HeadAggregation.GROUP : HeadAggregation.ALL,
              golden.pool());
      int sets = group ? backend.info().kvLayout().numKvHeads() : 1;
      int layers = backend.info().kvLayout().numLayers();
      selections = new Selection[layers][sets];
      for (int layer = 0; layer < layers; layer++) {
        List<List<Integer>> ofLayer = new ArrayList<>();
        for (int set = 0; set < sets; set++) {
          ofLayer.add(new ArrayList<>());
        }
        positions.add(ofLayer);
      }
    }

    private static List<Float> ringWeights(RpcOutput golden) {
      List<Float> weights = new ArrayList<>(Collections.nCopies(golden.window(), 1f));
      if (golden.selectors().equals("release")) {
        weights.set(0, 0f);
        weights.set(golden.window() - 1, golden.window() == 1 ? 1f : 2f);
      }
      return weights;
    }

    void start() {
      int tokens = golden.output().firmTokens();
      driver.start(lane, prompt, SamplingParams.greedy(tokens), 0, golden.window());
      ids.add(driver.prefill(lane, prompt, 50));
      rows = prompt.length;
    }

    boolean done() {
      return ids.size() >= golden.output().firmTokens();
    }

    void reserve() {
      driver.reserve(lane, rows + 1);
    }

    /** Notes the token of a decode step and compresses where it is due. */
    void append(int token) {
      ids.add(token);
      rows++;
      int step = ids.size() - 1;
      int position = prompt.length + step - 1;
      positions.forEach(layer -> layer.forEach(set -> set.add(position)));
      int next = compressions + 1;
      if (step == next * golden.interval() + golden.window()) {
        compress(next, step);
      }
    }

    private void compress(int number, int step) {
      RowPlan plan =
          new RowPlan(
              prompt.length,
              (number - 1) * golden.kept() + golden.interval(),
              number * golden.kept(),
              golden.window());
      float cut = backend.compress(List.of(new LaneCompression(lane, plan, rule))).scoreCuts()[0];
      JsonNode expected = golden.compressions().get(number - 1);
      assertThat(step).isEqualTo(expected.get("step").intValue());
      assertThat(plan.rowsBefore()).isEqualTo(expected.get("rows_before").intValue());
      assertThat(plan.rowsAfter()).isEqualTo(expected.get("rows_after").intValue());
      assertThat(plan.candidates()).isEqualTo(expected.get("candidates").intValue());
      assertThat(plan.retained()).isEqualTo(expected.get("kept").intValue());
      assertThat(rows).isEqualTo(plan.rowsBefore());
      checkCut(cut);
      for (int layer = 0; layer < positions.size(); layer++) {
        for (int set = 0; set < selections[layer].length; set++) {
          keep(positions.get(layer).get(set), selections[layer][set].retained(), plan);
        }
      }
      if (number <= golden.traces().size() && number <= golden.firmCompressions()) {
        checkTrace(golden.traces().get(number - 1), plan);
        tracesChecked++;
      }
      compressions = number;
      rows = plan.rowsAfter();
      driver.release(lane, rows);
    }

    private void selected(int layer, int set, float[] pooled, int[] retained) {
      synchronized (selections) {
        selections[layer][set] = new Selection(pooled, retained);
      }
    }

    private void checkCut(float cut) {
      double sum = 0;
      int sets = 0;
      for (Selection[] layer : selections) {
        for (Selection selection : layer) {
          double lowest = Double.POSITIVE_INFINITY;
          for (int slot : selection.retained()) {
            lowest = Math.min(lowest, selection.pooled()[slot]);
          }
          sum += lowest;
          sets++;
        }
      }
      assertThat((double) cut).isCloseTo(sum / sets, within(1e-5));
    }

    private static void keep(List<Integer> positions, int[] retained, RowPlan plan) {
      List<Integer> kept = new ArrayList<>();
      for (int slot : retained) {
        kept.add(positions.get(slot));
      }
      kept.addAll(positions.subList(plan.candidates(), positions.size()));
      positions.clear();
      positions.addAll(kept);
    }

    private void checkTrace(JsonNode trace, RowPlan plan) {
      double absolute = tolerances.at("/scores/absolute").doubleValue();
      double relative = tolerances.at("/scores/relative").doubleValue();
      for (JsonNode layerNode : trace.get("layers")) {
        int layer = layerNode.get("layer").intValue();
        for (int set = 0; set < layerNode.get("sets").size(); set++) {
          JsonNode goldenSet = layerNode.get("sets").get(set);
          String where =
              "%s, %s, compression %d, layer %d, set %d"
                  .formatted(
                      fixture.id(), golden.name(), trace.get("number").intValue(), layer, set);
          Selection selection = selections[layer][set];
          assertThat(selection.retained())
              .as("slots of " + where)
              .isEqualTo(GoldenFixture.ints(goldenSet.get("slots")));
          assertThat(positions.get(layer).get(set).subList(0, plan.retained()))
              .as("positions of " + where)
              .containsExactlyElementsOf(
                  Arrays.stream(GoldenFixture.ints(goldenSet.get("positions"))).boxed().toList());
          if (goldenSet.has("scores")) {
            float[] scores = GoldenFixture.floats(goldenSet.get("scores"));
            assertThat(selection.pooled()).hasSameSizeAs(scores);
            for (int j = 0; j < scores.length; j++) {
              assertThat((double) selection.pooled()[j])
                  .as("score %d of %s", j, where)
                  .isCloseTo(scores[j], within(absolute + relative * Math.abs(scores[j])));
            }
          }
        }
      }
    }

    void checkTokens() {
      int firm = golden.output().firmTokens();
      int[] expected = Arrays.copyOf(golden.output().ids(), firm);
      assertThat(ids.stream().mapToInt(Integer::intValue).toArray())
          .as(fixture.id() + ", " + golden.name())
          .isEqualTo(expected);
      if (firm == golden.output().ids().length) {
        assertThat(rows).isEqualTo(golden.output().finalRows());
      }
    }

    private static Offset<Double> within(double offset) {
      return Offset.offset(offset);
    }
  }
}
