package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.LagSpread;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.compress.ScoreRule.ValueAwareSample;
import io.tracemill.engine.compress.TokenSelector;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.DummyWeights;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Rules that look at cached values, on the card, against their formulas over the very keys and
 * values that the card holds: what bf16 does to a network has no part in the comparison.
 */
@Tag("gpu")
@RequiresGpu
final class TestCudaValueRules {
  private static final int LANE = 1;
  private static final int PROMPT = 150;
  private static final int RING = 8;
  private static final int ROWS = PROMPT + RING;
  private static final int WIDE = 9;
  private static final int PAGE_ROWS = KvLayout.PAGE_SIZE_TOKENS;

  @Test
  void theWidestRowsStayAndTheOthersByTheirDraw() {
    RowPlan plan = new RowPlan(5, ROWS - 5 - RING, 40, RING);
    for (HeadAggregation aggregation : HeadAggregation.values()) {
      RecentAttention recent =
          new RecentAttention(RING, Scope.ALL_ROWS, Fold.MEAN, aggregation, Smoothing.AVERAGE, 5);
      for (ModelConfig config : networks()) {
        Compressed compressed = compress(config, plan, new ValueAwareSample(recent, WIDE));
        for (Set set : compressed.sets()) {
          float[] widths = compressed.rows().widths(set, plan);
          int[] widest = new int[WIDE];
          TokenSelector.select(widths, plan.candidates(), WIDE, widest);
          float[] ranks = set.ranks();
          for (int j = 0; j < ranks.length; j++) {
            boolean wide = Arrays.binarySearch(widest, j) >= 0;
            assertThat(ranks[j] == Float.MAX_VALUE).as("%s, candidate %d", set, j).isEqualTo(wide);
            assertThat(ranks[j]).as("%s, candidate %d", set, j).isGreaterThan(0);
          }
          assertThat(set.slots()).as("%s", set).containsExactly(selected(ranks, plan));
        }
      }
    }
  }

  @Test
  void spreadsAreMeasuredByTheRowsThatFollow() {
    RowPlan plan = new RowPlan(17, 66, 20, ROWS - 17 - 66);
    for (HeadAggregation aggregation : HeadAggregation.values()) {
      for (ModelConfig config : networks()) {
        Compressed compressed = compress(config, plan, new LagSpread(aggregation));
        for (Set set : compressed.sets()) {
          double[] expected = compressed.rows().lagScores(set, plan);
          for (int j = 0; j < expected.length; j++) {
            assertThat((double) set.ranks()[j])
                .as("%s, candidate %d", set, j)
                .isBetween(expected[j] * (1 - 1e-5), expected[j] * (1 + 1e-5));
          }
          assertThat(set.slots()).as("%s", set).containsExactly(selected(set.ranks(), plan));
        }
      }
    }
  }

  @Test
  void tooFewRowsToCompareWithAreRefused() {
    RowPlan plan = new RowPlan(5, 100, 20, ROWS - 105);
    assertThatThrownBy(() -> compress(networks().get(0), plan, new LagSpread(HeadAggregation.ALL)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("100 candidates are compared with as many rows after them; the plan has 53");
  }

  /** What a layer's retained set was made of; KV heads {@code [firstHead, firstHead + heads)}. */
  private record Set(int layer, int firstHead, int heads, float[] ranks, int[] slots) {
    @Override
    public String toString() {
      return "layer %d, head %d of %d".formatted(layer, firstHead, heads);
    }
  }

  private record Compressed(CachedRows rows, List<Set> sets) {}

  /** Rows of a lane before a compression, {@code [layer][K or V][KV head][row][channel]}. */
  private record CachedRows(float[][][][][] states) {
    float[] widths(Set set, RowPlan plan) {
      float[] widths = new float[plan.candidates()];
      for (int j = 0; j < widths.length; j++) {
        for (int head = set.firstHead(); head < set.firstHead() + set.heads(); head++) {
          float[] value = states[set.layer()][1][head][plan.protectedRows() + j].clone();
          Arrays.sort(value);
          widths[j] += value[value.length - 1] - value[0];
        }
        widths[j] /= set.heads();
      }
      return widths;
    }

    double[] lagScores(Set set, RowPlan plan) {
      double[] scores = new double[plan.candidates()];
      for (float[][][] part : states[set.layer()]) {
        for (int head = set.firstHead(); head < set.firstHead() + set.heads(); head++) {
          double[] exponentials = new double[scores.length];
          for (int j = 0; j < scores.length; j++) {
            exponentials[j] = Math.exp(spread(part[head], plan, j));
          }
          double sum = Arrays.stream(exponentials).sum();
          for (int j = 0; j < scores.length; j++) {
            scores[j] += exponentials[j] / sum / set.heads();
          }
        }
      }
      return scores;
    }

    private static double spread(float[][] rows, RowPlan plan, int j) {
      int after = plan.protectedRows() + plan.candidates();
      float[] row = rows[plan.protectedRows() + j];
      double[] normalised = new double[row.length];
      for (int d = 0; d < row.length; d++) {
        double least = Double.POSITIVE_INFINITY;
        double most = Double.NEGATIVE_INFINITY;
        for (int i = after; i < after + plan.candidates(); i++) {
          least = Math.min(least, rows[i][d]);
          most = Math.max(most, rows[i][d]);
        }
        normalised[d] = most > least ? (row[d] - least) / (most - least) : 0;
      }
      double mean = Arrays.stream(normalised).average().orElseThrow();
      double squares = Arrays.stream(normalised).map(x -> (x - mean) * (x - mean)).sum();
      return Math.sqrt(squares / (row.length - 1));
    }
  }

  /** Compresses a lane of random text once. */
  private static Compressed compress(ModelConfig config, RowPlan plan, ScoreRule rule) {
    assertThat(plan.rowsBefore()).isEqualTo(ROWS);
    int[] prompt = new Random(6).ints(PROMPT, 0, TestCudaPolicies.VOCAB).toArray();
    try (CudaBackend cuda =
        Gpu.open(config, DummyWeights.of(config, 4), Gpu.options(2, RING, 256, 64, 50_000_000L))) {
      PagedLanes lanes = new PagedLanes(cuda);
      lanes.start(LANE, prompt, SamplingParams.greedy(ROWS), 77, RING);
      lanes.prefill(LANE, prompt, 64);
      for (int rows = PROMPT + 1; rows <= ROWS; rows++) {
        lanes.reserve(LANE, rows);
        cuda.decode(new int[] {LANE});
      }
      CachedRows rows = cachedRows(cuda.session(), config, lanes);
      cuda.compress(List.of(new LaneCompression(LANE, plan, rule)));
      return new Compressed(rows, sets(cuda.session(), config, plan));
    }
  }

  private static CachedRows cachedRows(CudaSession session, ModelConfig config, PagedLanes lanes) {
    int kvHeads = config.numKvHeads();
    int headDim = config.headDim();
    float[][][][][] states = new float[config.numLayers()][2][kvHeads][ROWS][];
    for (int layer = 0; layer < config.numLayers(); layer++) {
      for (int first = 0; first < ROWS; first += PAGE_ROWS) {
        int pageElements = 2 * kvHeads * PAGE_ROWS * headDim;
        long page = (long) lanes.page(LANE, first) * pageElements * Short.BYTES;
        // Two elements of 16 bits each.
        int[] pairs =
            Gpu.ints(session, session.pool().layerAddress(layer) + page, pageElements / 2);
        for (int tile = 0; tile < 2 * kvHeads; tile++) {
          for (int row = 0; row < Math.min(PAGE_ROWS, ROWS - first); row++) {
            float[] channels = new float[headDim];
            for (int d = 0; d < headDim; d++) {
              int pair = pairs[((tile * PAGE_ROWS + row) * headDim + d) / 2];
              int bits = d % 2 == 0 ? pair << 16 : pair & 0xFFFF0000;
              channels[d] = Float.intBitsToFloat(bits);
            }
            states[layer][tile / kvHeads][tile % kvHeads][first + row] = channels;
          }
        }
      }
    }
    return new CachedRows(states);
  }

  private static List<Set> sets(CudaSession session, ModelConfig config, RowPlan plan) {
    Compressor.Selection selection = session.compressor().lastSelection().orElseThrow();
    int lists = selection.shape().listsPerLayer();
    int candidates = plan.candidates();
    int kept = plan.retained();
    int all = config.numLayers() * lists;
    float[] pooled = Gpu.floats(session, selection.pooled(), all * 2 * candidates);
    int[] slots = Gpu.ints(session, selection.slots(), all * kept);
    int heads = config.numKvHeads() / lists;
    Set[] sets = new Set[all];
    for (int i = 0; i < all; i++) {
      int ranks = (2 * i + 1) * candidates;
      sets[i] =
          new Set(
              i / lists,
              i % lists * heads,
              heads,
              Arrays.copyOfRange(pooled, ranks, ranks + candidates),
              Arrays.copyOfRange(slots, i * kept, (i + 1) * kept));
    }
    return List.of(sets);
  }

  private static int[] selected(float[] ranks, RowPlan plan) {
    int[] kept = new int[plan.retained()];
    TokenSelector.select(ranks, plan.candidates(), plan.retained(), kept);
    return Arrays.stream(kept).map(j -> plan.protectedRows() + j).toArray();
  }

  private static List<ModelConfig> networks() {
    return List.of(TestCudaPolicies.network(6, 2, 64), TestCudaPolicies.network(7, 1, 128));
  }
}
