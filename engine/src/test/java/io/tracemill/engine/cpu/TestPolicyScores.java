package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.model.RopeFrequencies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Every score rule of the CPU backend against {@link PlainScores}, over several compressions. */
final class TestPolicyScores {
  private static final float TOLERANCE = 2e-5f;
  private static final int RING = 12;
  private static final int WINDOW = 8;
  private static final int[] PROTECTED = {0, 5, 64, 70};
  private static final int[] CANDIDATES = {17, 64, 130};

  private final Random random = TestSeeds.random("TestPolicyScores");

  /** What a rule's ranks should be, for one set of a layer. */
  private interface Expected {
    float[] ranks(PlainScores plain, int layer, int set, int firstKvHead, int numKvHeads);
  }

  @Test
  void recentAttentionAgreesInEveryForm() {
    for (Scope scope : Scope.values()) {
      for (Fold fold : Fold.values()) {
        for (HeadAggregation aggregation : HeadAggregation.values()) {
          Smoothing smoothing = fold == Fold.MEAN ? Smoothing.AVERAGE : Smoothing.MAXIMUM;
          RecentAttention rule =
              new RecentAttention(WINDOW, scope, fold, aggregation, smoothing, 7);
          check(
              rule,
              (plain, layer, set, first, count) ->
                  PlainScores.smooth(
                      plain.ofCandidates(plain.recent(rule, first, count)), smoothing, 7));
        }
      }
    }
  }

  @Test
  void queriesDoNotSeeRowsThatCameLater() {
    RecentAttention rule =
        new RecentAttention(
            RING, Scope.CANDIDATES, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 1);
    // The window is shorter than the queries: the newest candidates came after the oldest queries.
    checkWithWindow(
        rule,
        2,
        (plain, layer, set, first, count) -> plain.ofCandidates(plain.recent(rule, first, count)));
  }

  @Test
  void theNewestQueryAloneDecidesInTova() {
    RecentAttention rule =
        new RecentAttention(
            1, Scope.ALL_ROWS, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 1);
    check(
        rule,
        (plain, layer, set, first, count) -> plain.ofCandidates(plain.recent(rule, first, count)));
  }

  @Test
  void redundancyIsTakenFromImportance() {
    for (HeadAggregation aggregation : HeadAggregation.values()) {
      RecentAttention importance =
          new RecentAttention(
              WINDOW, Scope.CANDIDATES, Fold.LARGEST_LOGIT, aggregation, Smoothing.MAXIMUM, 7);
      check(
          new ScoreRule.ImportanceMinusRedundancy(importance, 0.1f),
          (plain, layer, set, first, count) -> {
            float[] scores =
                PlainScores.smooth(
                    plain.ofCandidates(plain.recent(importance, first, count)),
                    Smoothing.MAXIMUM,
                    7);
            float[] redundancy = plain.redundancy(first, count);
            for (int j = 0; j < scores.length; j++) {
              scores[j] = 0.1f * scores[j] - 0.9f * redundancy[j];
            }
            return scores;
          });
    }
  }

  @Test
  void chunksShareTheirMean() {
    ScoreRule.SelectorAttention base =
        new ScoreRule.SelectorAttention(Collections.nCopies(WINDOW, 1f), HeadAggregation.ALL, 1);
    check(
        new ScoreRule.ChunkMean(base, 10),
        (plain, layer, set, first, count) -> {
          float[] scores = plain.selector(WINDOW, first, count);
          float[] means = new float[scores.length];
          for (int j = 0; j < scores.length; j++) {
            int from = j / 10 * 10;
            int to = Math.min(scores.length, from + 10);
            for (int i = from; i < to; i++) {
              means[j] += scores[i] / (to - from);
            }
          }
          return means;
        });
  }

  @Test
  void theNewestStay() {
    check(
        new ScoreRule.Newest(),
        (plain, layer, set, first, count) -> {
          float[] ranks = new float[plain.ofCandidates(new float[1000]).length];
          for (int j = 0; j < ranks.length; j++) {
            ranks[j] = j;
          }
          return ranks;
        });
  }

  @Test
  void lagSpreadsAgree() {
    for (HeadAggregation aggregation : HeadAggregation.values()) {
      for (int protectedRows : PROTECTED) {
        int candidates = 32;
        try (ScoreFixture fixture = fixture(300)) {
          fixture.append(protectedRows + candidates + candidates + 3);
          RowPlan plan = new RowPlan(protectedRows, candidates, 9, candidates + 3);
          run(
              fixture,
              plan,
              new ScoreRule.LagSpread(aggregation),
              (plain, layer, set, first, count) -> plain.lag(first, count));
        }
      }
    }
  }

  @Test
  void drawsAreThoseOfTheSequencesKey() {
    for (int round = 0; round < 2; round++) {
      try (ScoreFixture fixture = fixture(200)) {
        fixture.append(100);
        RowPlan plan = new RowPlan(10, 82, 20, 8);
        run(
            fixture,
            plan,
            new ScoreRule.RandomDraw(),
            (plain, layer, set, first, count) -> {
              float[] ranks = new float[82];
              for (int j = 0; j < ranks.length; j++) {
                int word = CounterRandom.policyWord(ScoreFixture.KEY, j, 100, layer);
                ranks[j] = (word >>> 8) / (float) (1 << 24);
              }
              return ranks;
            });
      }
    }
  }

  @Test
  void drawsAreSpreadEvenly() {
    int[] counts = new int[100];
    for (int position = 0; position < 2000; position++) {
      for (int j = 0; j < 100; j++) {
        counts[j] += CounterRandom.policyWord(7, j, position, 3) < 0 ? 1 : 0;
      }
    }
    // 2000 fair draws: a standard deviation of 22.
    for (int count : counts) {
      assertThat(count).isBetween(880, 1120);
    }
  }

  @Test
  void wideValuesStayAndAttentionDrawsTheRest() {
    RecentAttention recent =
        new RecentAttention(
            WINDOW, Scope.ALL_ROWS, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 5);
    try (ScoreFixture fixture = fixture(200)) {
      fixture.append(120);
      RowPlan plan = new RowPlan(4, 100, 30, 16);
      run(
          fixture,
          plan,
          new ScoreRule.ValueAwareSample(recent, 10),
          (plain, layer, set, first, count) ->
              plain.valueAware(
                  PlainScores.smooth(
                      plain.ofCandidates(plain.recent(recent, first, count)), Smoothing.AVERAGE, 5),
                  10,
                  ScoreFixture.KEY,
                  120,
                  layer));
    }
  }

  @Test
  void expectedAttentionAgreesWithTheFormulaOfUnrotatedKeys() {
    QuerySums sums =
        new QuerySums(ScoreFixture.LAYERS, ScoreFixture.QUERY_HEADS, ScoreFixture.HEAD_DIM / 2);
    for (int token = 0; token < 5; token++) {
      for (int layer = 0; layer < ScoreFixture.LAYERS; layer++) {
        for (int head = 0; head < ScoreFixture.QUERY_HEADS; head++) {
          float[] query = new float[ScoreFixture.HEAD_DIM];
          for (int d = 0; d < query.length; d++) {
            query[d] = (float) random.nextGaussian() + 0.5f;
          }
          sums.add(layer, head, query, 0);
        }
      }
    }
    sums.countText(5);
    QueryCalibration calibration = sums.calibration(CalibratedModel.UNKNOWN);
    RopeFrequencies frequencies =
        RopeFrequencies.of(ScoreFixture.CONFIG.rope(), ScoreFixture.HEAD_DIM);
    try (ScoreFixture fixture = fixture(200)) {
      fixture.append(120);
      // The keys are random, so any positions will do: they must cancel out.
      int[] positions = random.ints(120, 0, 5000).toArray();
      RowPlan plan = new RowPlan(4, 100, 30, 16);
      run(
          fixture,
          plan,
          new ScoreRule.ExpectedAttention(calibration, HeadAggregation.ALL),
          1e-2f,
          (plain, layer, set, first, count) ->
              plain.expected(calibration, frequencies, layer, 119, positions));
    }
  }

  @Test
  void accumulatedAttentionFollowsItsRows() {
    RecentAttention recent =
        new RecentAttention(
            6, Scope.ALL_ROWS, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 1);
    ScoreRule rule = new ScoreRule.AccumulatedAttention(recent);
    float[][] stored = new float[ScoreFixture.LAYERS][0];
    try (ScoreFixture fixture = fixture(300)) {
      fixture.append(40);
      // Twice without dropping a row, then with.
      RowPlan[] plans = {
        new RowPlan(3, 30, 30, 7),
        new RowPlan(3, 36, 36, 7),
        new RowPlan(3, 42, 20, 7),
        new RowPlan(3, 26, 11, 7)
      };
      for (RowPlan plan : plans) {
        run(
            fixture,
            plan,
            rule,
            (plain, layer, set, first, count) -> {
              float[] scores = plain.recent(recent, 0, ScoreFixture.KV_HEADS);
              stored[layer] = Arrays.copyOf(stored[layer], scores.length);
              for (int row = 0; row < scores.length; row++) {
                stored[layer][row] += 6 * scores[row];
              }
              return plain.ofCandidates(stored[layer]);
            });
        followRows(fixture, plan, stored);
        fixture.append(6);
      }
    }
  }

  @Test
  void storedMaximaDecayAndFollowTheirRows() {
    RecentAttention recent =
        new RecentAttention(
            6, Scope.ALL_ROWS, Fold.LARGEST_SHARE, HeadAggregation.ALL, Smoothing.AVERAGE, 1);
    ScoreRule rule = new ScoreRule.StoredMaximum(recent, 0.8f, 0.5f);
    float[][] stored = new float[ScoreFixture.LAYERS][0];
    try (ScoreFixture fixture = fixture(300)) {
      fixture.append(90);
      RowPlan[] plans = {
        new RowPlan(3, 80, 40, 7), new RowPlan(3, 60, 40, 7), new RowPlan(3, 60, 30, 7)
      };
      for (RowPlan plan : plans) {
        run(
            fixture,
            plan,
            rule,
            (plain, layer, set, first, count) -> {
              float[] scores = plain.recent(recent, 0, ScoreFixture.KV_HEADS);
              stored[layer] = Arrays.copyOf(stored[layer], scores.length);
              float most = largest(scores);
              for (int row = 0; row < scores.length; row++) {
                stored[layer][row] = Math.max(0.8f * stored[layer][row], scores[row] / most);
              }
              float[] redundancy = plain.redundancy(0, ScoreFixture.KV_HEADS);
              float[] ranks = plain.ofCandidates(stored[layer]);
              for (int j = 0; j < ranks.length; j++) {
                ranks[j] = 0.5f * ranks[j] - 0.5f * redundancy[j] / largest(redundancy);
              }
              return ranks;
            });
        followRows(fixture, plan, stored);
        fixture.append(20);
      }
    }
  }

  @Test
  void theAttentionNormDecidesHowManyStay() {
    RecentAttention rule =
        new RecentAttention(
            WINDOW, Scope.ALL_ROWS, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 1);
    for (double threshold : new double[] {0, 0.01, 0.05, 0.3}) {
      KeepRule keep = new KeepRule.AttentionNorm(threshold, WINDOW);
      try (ScoreFixture fixture = fixture(200)) {
        fixture.append(120);
        RowPlan plan = new RowPlan(4, 100, 90, 16);
        PlainScores[] plain = {fixture.plain(0, plan), fixture.plain(1, plan)};
        Compressor.Outcome outcome = fixture.compress(plan, rule, keep);
        int kept = 90 - outcome.rowsBeyondPlan()[0];
        assertThat(fixture.lane.rows()).isEqualTo(20 + kept);
        assertThat(fixture.selected).allSatisfy(set -> assertThat(set.retained()).hasSize(kept));
        int needed = 0;
        for (ScoreFixture.Selected set : fixture.selected) {
          needed = Math.max(needed, fewest(plain[set.layer()], set.pooled(), threshold));
        }
        assertThat(kept).as("threshold %s", threshold).isEqualTo(Math.min(90, needed));
      }
    }
  }

  private static int fewest(PlainScores plain, float[] ranks, double threshold) {
    boolean[] stays = new boolean[ranks.length];
    Arrays.fill(stays, true);
    int kept = ranks.length;
    List<Integer> order = byRank(ranks);
    for (int i = order.size() - 1; i >= 0; i--) {
      stays[order.get(i)] = false;
      if (1 - plain.normLeft(WINDOW, stays) > threshold + 1e-9) {
        break;
      }
      kept--;
    }
    return kept;
  }

  private void check(ScoreRule rule, Expected expected) {
    checkWithWindow(rule, WINDOW, expected);
  }

  private void checkWithWindow(ScoreRule rule, int window, Expected expected) {
    for (int protectedRows : PROTECTED) {
      for (int candidates : CANDIDATES) {
        try (ScoreFixture fixture = fixture(400)) {
          fixture.append(protectedRows + candidates + window);
          int retained = random.nextInt(candidates + 1);
          run(fixture, new RowPlan(protectedRows, candidates, retained, window), rule, expected);
        }
      }
    }
  }

  private ScoreFixture fixture(int maxRows) {
    return new ScoreFixture(RING, maxRows, ScoreFixture.pages(maxRows), random);
  }

  private static void run(ScoreFixture fixture, RowPlan plan, ScoreRule rule, Expected expected) {
    run(fixture, plan, rule, TOLERANCE, expected);
  }

  private static void run(
      ScoreFixture fixture, RowPlan plan, ScoreRule rule, float tolerance, Expected expected) {
    int sets = rule.aggregation() == HeadAggregation.ALL ? 1 : ScoreFixture.KV_HEADS;
    int perSet = ScoreFixture.KV_HEADS / sets;
    float[][][] ranks = new float[ScoreFixture.LAYERS][sets][];
    for (int layer = 0; layer < ScoreFixture.LAYERS; layer++) {
      for (int set = 0; set < sets; set++) {
        ranks[layer][set] =
            expected.ranks(fixture.plain(layer, plan), layer, set, set * perSet, perSet);
      }
    }
    fixture.compress(plan, rule, KeepRule.AS_PLANNED);
    assertThat(fixture.selected).hasSize(ScoreFixture.LAYERS * sets);
    for (ScoreFixture.Selected set : fixture.selected) {
      String where = "%s, %s, layer %d, set %d".formatted(rule, plan, set.layer(), set.set());
      assertClose(set.pooled(), ranks[set.layer()][set.set()], tolerance, where);
      int[] best =
          byRank(set.pooled()).subList(0, plan.retained()).stream()
              .mapToInt(Integer::intValue)
              .sorted()
              .toArray();
      assertThat(set.retained()).as(where).containsExactly(best);
    }
    for (int layer = 0; layer < ScoreFixture.LAYERS; layer++) {
      for (int head = 0; head < ScoreFixture.KV_HEADS; head++) {
        assertThat(fixture.storedKeys(layer, head)).isDeepEqualTo(fixture.keys[layer][head]);
      }
    }
  }

  private static void assertClose(float[] actual, float[] expected, float tolerance, String where) {
    assertThat(actual).as(where).hasSameSizeAs(expected);
    float largest = 0;
    for (float value : expected) {
      largest = value == Float.MAX_VALUE ? largest : Math.max(largest, Math.abs(value));
    }
    for (int j = 0; j < actual.length; j++) {
      assertThat(Math.abs(actual[j] - expected[j]))
          .as("%s, candidate %d: %s, expected %s", where, j, actual[j], expected[j])
          .isLessThanOrEqualTo(tolerance * largest);
    }
  }

  private static List<Integer> byRank(float[] ranks) {
    List<Integer> order = new ArrayList<>();
    for (int j = 0; j < ranks.length; j++) {
      order.add(j);
    }
    order.sort(Comparator.comparingDouble((Integer j) -> -ranks[j]));
    return order;
  }

  private static void followRows(ScoreFixture fixture, RowPlan plan, float[][] stored) {
    for (ScoreFixture.Selected set : fixture.selected) {
      float[][] rows = new float[stored[set.layer()].length][1];
      for (int row = 0; row < rows.length; row++) {
        rows[row][0] = stored[set.layer()][row];
      }
      float[][] left = ScoreFixture.kept(rows, plan, set.retained());
      stored[set.layer()] = new float[left.length];
      for (int row = 0; row < left.length; row++) {
        stored[set.layer()][row] = left[row][0];
      }
    }
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, value);
    }
    return largest;
  }
}
