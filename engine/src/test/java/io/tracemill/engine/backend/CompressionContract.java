package io.tracemill.engine.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.model.ModelConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every backend must do when it compresses: under any policy the rows that stay, and their
 * number, depend on the lane alone, and keeping all changes nothing.
 */
public abstract class CompressionContract extends BackendContract {
  @TempDir Path folder;

  @Test
  public void keepingEveryCandidateChangesNothingUnderAnyPolicy() {
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        int[] prompt = prompt(37);
        lanes.start(0, prompt, DRAWN, 9, CHUNK);
        lanes.decodeAlone(0, 60);
        int[] expected = lanes.decodeAlone(0, 20);
        lanes.end(0);
        for (KvCompressionPolicy policy : policies(config)) {
          String where = policy.settings().toString();
          ScoreRule rule = policy.scoreRule().orElseThrow();
          int window = rule instanceof ScoreRule.LagSpread ? 32 : 8;
          lanes.start(1, prompt, DRAWN, 9, CHUNK);
          lanes.decodeAlone(1, 60);
          PendingCompression all =
              lanes.compress(new int[] {1}, new int[] {37}, window, new int[] {60 - window}, rule);
          assertThat(all.scoreCuts()).as(where).hasSize(1);
          assertThat(lanes.rows(1)).as(where).isEqualTo(97);
          assertThat(lanes.decodeAlone(1, 20)).as(where).isEqualTo(expected);
          lanes.end(1);
        }
      }
    }
  }

  @Test
  public void aCompressionDoesNotDependOnItsBatch() {
    for (ModelConfig config : models()) {
      for (HeadAggregation aggregation : HeadAggregation.values()) {
        try (ContractLanes lanes = open(config)) {
          int count = 4;
          int[][] alone = new int[count][];
          float[] cuts = new float[count];
          int[] promptRows = new int[count];
          int[] retained = new int[count];
          int[][] prompts = new int[count][];
          for (int lane = 0; lane < count; lane++) {
            prompts[lane] = prompt(PROMPT_LENGTHS[lane]);
            promptRows[lane] = prompts[lane].length;
            retained[lane] = 5 + 17 * lane;
            run(lanes, lane, prompts[lane]);
            PendingCompression one =
                lanes.compress(
                    new int[] {lane},
                    new int[] {promptRows[lane]},
                    8,
                    new int[] {retained[lane]},
                    rule(aggregation));
            cuts[lane] = one.scoreCuts()[0];
            alone[lane] = lanes.decodeAlone(lane, 70);
            lanes.end(lane);
          }
          for (int lane = 0; lane < count; lane++) {
            run(lanes, lane, prompts[lane]);
          }
          PendingCompression together =
              lanes.compress(new int[] {0, 1, 2, 3}, promptRows, 8, retained, rule(aggregation));
          assertThat(together.scoreCuts()).containsExactly(cuts);
          assertThat(together.millis()).isGreaterThanOrEqualTo(0);
          for (int step = 0; step < 70; step++) {
            int[] tokens = lanes.decode(0, 1, 2, 3).await();
            for (int lane = 0; lane < count; lane++) {
              assertThat(tokens[lane])
                  .as("%s, lane %d, step %d", aggregation, lane, step)
                  .isEqualTo(alone[lane][step]);
            }
          }
        }
      }
    }
  }

  /**
   * How lanes with prompts of 1, 70 and 130 rows and 90 steps are compressed twice, 30 steps apart.
   *
   * @param window rows at the end that stay at first, then later
   * @param first candidates that stay in each lane at first
   * @param second and later
   */
  private record TwoCuts(int[] window, int[] first, int[] second) {
    static TwoCuts of(ScoreRule rule) {
      // This rule compares candidates with at least as many rows after them.
      return rule instanceof ScoreRule.LagSpread
          ? new TwoCuts(new int[] {48, 64}, new int[] {9, 40, 30}, new int[] {11, 29, 25})
          : new TwoCuts(new int[] {8, 8}, new int[] {9, 40, 70}, new int[] {11, 29, 45});
    }
  }

  /** Twice, so that scores kept beside rows have to follow them. */
  @Test
  public void compressionsByEveryPolicyDoNotDependOnTheirBatch() {
    for (ModelConfig config : models()) {
      for (KvCompressionPolicy policy : policies(config)) {
        try (ContractLanes lanes = open(config)) {
          int[][] prompts = {prompt(1), prompt(70), prompt(130)};
          int[] promptRows = {1, 70, 130};
          ScoreRule rule = policy.scoreRule().orElseThrow();
          TwoCuts cut = TwoCuts.of(rule);
          int window = cut.window()[0];
          int later = cut.window()[1];
          int[][] alone = new int[3][];
          List<Float> cuts = new ArrayList<>();
          for (int lane = 0; lane < 3; lane++) {
            run(lanes, lane, prompts[lane]);
            int[] one = {lane};
            int[] rows = {promptRows[lane]};
            PendingCompression first =
                lanes.compress(one, rows, window, new int[] {cut.first()[lane]}, rule);
            int[] between = lanes.decodeAlone(lane, 30);
            PendingCompression again =
                lanes.compress(one, rows, later, new int[] {cut.second()[lane]}, rule);
            cuts.add(first.scoreCuts()[0]);
            cuts.add(again.scoreCuts()[0]);
            alone[lane] = concatenate(between, lanes.decodeAlone(lane, 20));
            lanes.end(lane);
          }
          assertThat(cuts).as("%s", policy.settings()).allMatch(Float::isFinite);
          for (int lane = 2; lane >= 0; lane--) {
            run(lanes, lane, prompts[lane]);
          }
          int[] all = {0, 1, 2};
          float[] first = lanes.compress(all, promptRows, window, cut.first(), rule).scoreCuts();
          int[][] together = new int[3][];
          decodeTogether(lanes, together, 30);
          float[] again = lanes.compress(all, promptRows, later, cut.second(), rule).scoreCuts();
          decodeTogether(lanes, together, 20);
          for (int lane = 0; lane < 3; lane++) {
            String where = policy.settings() + ", lane " + lane;
            assertThat(first[lane]).as(where).isEqualTo(cuts.get(2 * lane));
            assertThat(again[lane]).as(where).isEqualTo(cuts.get(2 * lane + 1));
            assertThat(together[lane]).as(where).isEqualTo(alone[lane]);
          }
        }
      }
    }
  }

  /**
   * Rows that a keep rule counts: the same alone, where each count is waited for, and together,
   * where the lanes decode on until it can be had. Pages go back as soon as it is known.
   */
  @Test
  public void countsOfRowsDoNotDependOnTheirBatch() {
    int[] promptRows = {1, 70, 130};
    // The last is bound by its plan.
    int[] most = {83, 83, 20};
    KeepRule keep = new KeepRule.AttentionNorm(0.3, ContractLanes.RING);
    for (ModelConfig config : models()) {
      try (ContractLanes lanes = open(config)) {
        for (KvCompressionPolicy policy : policies(config)) {
          ScoreRule rule = policy.scoreRule().orElseThrow();
          if (rule instanceof ScoreRule.SelectorAttention || rule instanceof ScoreRule.LagSpread) {
            continue; // Their budgets are their own.
          }
          String where = policy.settings() + ", " + config.architecture();
          int[][] prompts = {prompt(1), prompt(70), prompt(130)};
          int[][] alone = new int[3][];
          List<CountedCut> cuts = new ArrayList<>();
          for (int lane = 0; lane < 3; lane++) {
            run(lanes, lane, prompts[lane]);
            int[] one = {lane};
            int[] rows = {promptRows[lane]};
            int[] plan = {most[lane]};
            cuts.add(counted(lanes, one, lanes.compress(one, rows, 7, plan, rule, keep))[0]);
            int[] between = lanes.decodeAlone(lane, 30);
            plan[0] = lanes.rows(lane) - promptRows[lane] - 7;
            cuts.add(counted(lanes, one, lanes.compress(one, rows, 7, plan, rule, keep))[0]);
            alone[lane] = concatenate(between, lanes.decodeAlone(lane, 20));
            lanes.end(lane);
          }
          assertThat(cuts).as(where).allMatch(cut -> cut.beyondPlan() >= 0);
          assertThat(cuts.get(0).beyondPlan() + cuts.get(1).beyondPlan()).as(where).isPositive();
          for (int lane = 2; lane >= 0; lane--) {
            run(lanes, lane, prompts[lane]);
          }
          int[] all = {0, 1, 2};
          PendingCompression first = lanes.compress(all, promptRows, 7, most, rule, keep);
          int[][] together = new int[3][];
          CountedCut[] firstCuts = null;
          for (int step = 0; step < 30; step++) {
            if (firstCuts == null && first.isDone()) {
              firstCuts = counted(lanes, all, first);
            }
            decodeTogether(lanes, together, 1);
          }
          firstCuts = firstCuts == null ? counted(lanes, all, first) : firstCuts;
          int[] plans = new int[3];
          for (int lane = 0; lane < 3; lane++) {
            plans[lane] = lanes.rows(lane) - promptRows[lane] - 7;
          }
          CountedCut[] again =
              counted(lanes, all, lanes.compress(all, promptRows, 7, plans, rule, keep));
          decodeTogether(lanes, together, 20);
          for (int lane = 0; lane < 3; lane++) {
            String which = where + ", lane " + lane;
            assertThat(firstCuts[lane]).as(which).isEqualTo(cuts.get(2 * lane));
            assertThat(again[lane]).as(which).isEqualTo(cuts.get(2 * lane + 1));
            assertThat(together[lane]).as(which).isEqualTo(alone[lane]);
            lanes.end(lane);
          }
        }
      }
    }
  }

  /** What a counted compression did to a lane. */
  private record CountedCut(int beyondPlan, float cut) {}

  /** Reads the counts of a batch and gives its pages back. */
  private static CountedCut[] counted(
      ContractLanes lanes, int[] batch, PendingCompression pending) {
    CountedCut[] cuts = new CountedCut[batch.length];
    for (int i = 0; i < batch.length; i++) {
      cuts[i] = new CountedCut(pending.rowsBeyondPlan(i), pending.scoreCuts()[i]);
      lanes.droppedBeyondPlan(batch[i], cuts[i].beyondPlan());
    }
    return cuts;
  }

  @Test
  public void everyPolicyRunsOrIsRefusedInASentence() {
    ModelConfig config = models().get(0);
    assertThat(provider().refusal(KvPolicies.create(KvPolicySettings.full()), config)).isEmpty();
    assertThat(provider().refusal(KvPolicies.create(KvPolicySettings.rpc(64, 8, 4)), config))
        .isEmpty();
    assertThat(policies(config)).hasSizeGreaterThanOrEqualTo(8);
    assertThat(allPolicies(config).stream().map(policy -> policy.settings().name()).distinct())
        .as("policies that are tried")
        .containsExactlyInAnyOrderElementsOf(
            KvPolicies.NAMES.stream().filter(name -> !name.equals("full")).toList());
    for (KvCompressionPolicy policy : allPolicies(config)) {
      provider()
          .refusal(policy, config)
          .ifPresent(
              sentence ->
                  assertThat(sentence).contains(policy.settings().name()).endsWith("backend."));
    }
  }

  private List<KvCompressionPolicy> policies(ModelConfig config) {
    return allPolicies(config).stream()
        .filter(policy -> provider().refusal(policy, config).isEmpty())
        .toList();
  }

  /** Policies whose queries fit the ring, in both kinds of sets where there are two. */
  private List<KvCompressionPolicy> allPolicies(ModelConfig config) {
    List<KvCompressionPolicy> policies = new ArrayList<>();
    for (String name : List.of("sinks-window", "random", "tova")) {
      policies.add(KvPolicies.create(policy(name, 1, Map.of())));
    }
    String calibration = calibration(config).toString();
    for (String aggregation : List.of("all", "group")) {
      Map<String, String> heads = Map.of("aggregation", aggregation);
      policies.add(KvPolicies.create(new KvPolicySettings("rpc", 64, 8, 4, "paper", heads)));
      for (String name : List.of("snapkv", "r-kv", "g-kv", "chunkkv")) {
        policies.add(KvPolicies.create(policy(name, 8, heads)));
      }
      policies.add(
          KvPolicies.create(policy("h2o", 8, Map.of("aggregation", aggregation, "queries", "8"))));
      policies.add(
          KvPolicies.create(
              policy("vase", 8, Map.of("aggregation", aggregation, "wide-rows", "5"))));
      policies.add(
          KvPolicies.create(
              policy(
                  "triattention",
                  8,
                  Map.of("aggregation", aggregation, "calibration", calibration))));
      policies.add(KvPolicies.create(new KvPolicySettings("lagkv", 0, 0, 0, "", heads)));
    }
    // Nothing is left to be drawn.
    policies.add(KvPolicies.create(policy("vase", 8, Map.of("wide-rows", "1000"))));
    return policies;
  }

  /** Statistics of random queries. */
  private Path calibration(ModelConfig config) {
    QuerySums sums =
        new QuerySums(config.numLayers(), config.numQueryHeads(), config.headDim() / 2);
    Random queries = new Random(5);
    float[] query = new float[config.headDim()];
    for (int i = 0; i < 3 * config.numLayers() * config.numQueryHeads(); i++) {
      for (int d = 0; d < query.length; d++) {
        query[d] = (float) queries.nextGaussian();
      }
      int head = i / 3;
      sums.add(head / config.numQueryHeads(), head % config.numQueryHeads(), query, 0);
    }
    sums.countText(3);
    try {
      return Files.write(
          folder.resolve("%s.bin".formatted(config.architecture())),
          CalibrationFile.write(sums.calibration(CalibratedModel.UNKNOWN)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static KvPolicySettings policy(String name, int window, Map<String, String> options) {
    return new KvPolicySettings(name, 64, window, 0, "", options);
  }

  private static void decodeTogether(ContractLanes lanes, int[][] tokens, int steps) {
    for (int step = 0; step < steps; step++) {
      int[] sampled = lanes.decode(0, 1, 2).await();
      for (int lane = 0; lane < sampled.length; lane++) {
        int[] one = {sampled[lane]};
        tokens[lane] = tokens[lane] == null ? one : concatenate(tokens[lane], one);
      }
    }
  }

  private static int[] concatenate(int[] first, int[] second) {
    int[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  @Test
  public void groupsOfAllHeadsAreAllHeads() {
    ModelConfig oneKvHead =
        models().stream().filter(config -> config.numKvHeads() == 1).findFirst().orElseThrow();
    try (ContractLanes lanes = open(oneKvHead)) {
      int[] prompt = prompt(10);
      int[][] tokens = new int[2][];
      for (int i = 0; i < 2; i++) {
        run(lanes, i, prompt);
        lanes.compress(
            new int[] {i}, new int[] {10}, 8, new int[] {20}, rule(HeadAggregation.values()[i]));
        tokens[i] = lanes.decodeAlone(i, 30);
        lanes.end(i);
      }
      assertThat(tokens[1]).isEqualTo(tokens[0]);
    }
  }
}
