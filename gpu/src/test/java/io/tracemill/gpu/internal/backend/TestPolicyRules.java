package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.PolicyNeeds;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Mode;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Numbers;
import io.tracemill.gpu.internal.kernel.PolicyShape;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which policies a card runs, and with which numbers; needs no card. */
final class TestPolicyRules {

  @Test
  void whatHasKernelsIsAccepted() {
    for (String name :
        List.of(
            "full",
            "rpc",
            "sinks-window",
            "random",
            "tova",
            "snapkv",
            "h2o",
            "r-kv",
            "g-kv",
            "lagkv",
            "chunkkv",
            "vase")) {
      KvPolicySettings settings =
          name.equals("rpc") ? KvPolicySettings.rpc(64, 16, 4) : named(name, Map.of());
      assertThat(PolicyRules.refusal(KvPolicies.create(settings))).as(name).isEmpty();
    }
  }

  @Test
  void aRuleWithoutKernelsIsRefusedInOneSentence() {
    KvCompressionPolicy known = create("r-kv", Map.of());
    ScoreRule averaged =
        new ScoreRule.ImportanceMinusRedundancy(
            new ScoreRule.RecentAttention(
                8, Scope.CANDIDATES, Fold.MEAN, HeadAggregation.ALL, Smoothing.AVERAGE, 7),
            0.1f);
    assertThat(PolicyRules.refusal(new Rescored(known, averaged)))
        .contains(
            "The CUDA backend has no kernels for KV policy r-kv; choose one of full, rpc,"
                + " sinks-window, random, tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase,"
                + " triattention, or the CPU backend.");
  }

  /** A policy with another score. */
  private record Rescored(KvCompressionPolicy policy, ScoreRule rule)
      implements KvCompressionPolicy {
    @Override
    public KvPolicySettings settings() {
      return policy.settings();
    }

    @Override
    public PolicyNeeds needs() {
      return policy.needs();
    }

    @Override
    public CompressionSchedule schedule() {
      return policy.schedule();
    }

    @Override
    public Optional<ScoreRule> scoreRule() {
      return Optional.of(rule);
    }
  }

  @Test
  void rowsMayBeCountedByNormUnderAnyScore() {
    for (String name :
        List.of(
            "sinks-window", "random", "tova", "snapkv", "h2o", "r-kv", "g-kv", "chunkkv", "vase")) {
      // At least as far apart as the newest queries that any of them reads.
      KvPolicySettings settings =
          new KvPolicySettings(name, 128, 32, 0, "", Map.of("budget", "threshold"));
      KvCompressionPolicy policy = KvPolicies.create(settings);
      assertThat(policy.keepRule()).as(name).isInstanceOf(KeepRule.AttentionNorm.class);
      assertThat(PolicyRules.refusal(policy)).as(name).isEmpty();
    }
  }

  @Test
  void aCalibrationIsForOneNetwork(@TempDir Path folder) {
    ModelConfig config = TestCudaPolicies.network(6, 2, 64);
    KvCompressionPolicy policy =
        create(
            "triattention", Map.of("calibration", Calibrations.write(config, folder).toString()));
    assertThat(PolicyRules.refusal(policy, config)).isEmpty();
    assertThat(PolicyRules.refusal(policy, TestCudaPolicies.network(6, 2, 128)))
        .contains(
            "The query calibration was made for 2 layers of 6 heads of 64 elements, the model has 2"
                + " of 6 of 128; collect one for this model.");
    assertThat(PolicyRules.refusal(policy, TestCudaPolicies.network(8, 2, 64))).isPresent();
  }

  @Test
  void rulesBecomeTheNumbersOfTheirKernels() {
    assertThat(numbers("tova")).isEqualTo(new Numbers(Mode.RECENT, 1, 0, 1, 1, 1, 0, 0));
    assertThat(numbers("snapkv")).isEqualTo(new Numbers(Mode.RECENT, 0, 1, 7, 1, 1, 0, 0));
    assertThat(numbers("r-kv")).isEqualTo(new Numbers(Mode.IMPORTANCE, 0, 1, 7, 1, 1, 0.1f, 0));
    assertThat(numbers("g-kv"))
        .isEqualTo(new Numbers(Mode.STORED_MAXIMUM, 1, 2, 1, 1, 1, 0.5f, 0.8f));
    assertThat(numbers("h2o")).isEqualTo(new Numbers(Mode.ACCUMULATED, 1, 0, 1, 1, 1, 0, 0));
    // Ranked by what kernels of their own make of these: no pooling here.
    assertThat(numbers("vase")).isEqualTo(new Numbers(Mode.RECENT, 1, 0, 1, 1, 1, 0, 0));
    assertThat(numbers("lagkv")).isEqualTo(new Numbers(Mode.RECENT, 0, 0, 1, 1, 1, 0, 0));
    assertThat(numbers("chunkkv")).isEqualTo(new Numbers(Mode.CHUNKS, 0, 0, 1, 1, 64, 0, 0));
  }

  @Test
  void scratchMemoryHoldsEveryArray() {
    PolicyShape shape = new PolicyShape(2, new HeadShape(8, 2, 64), 1, 16, 1000, 900, 100);
    assertThat(shape.strips()).isEqualTo(3);
    assertThat(shape.pages()).isEqualTo(16);
    assertThat(shape.statsBytes()).isEqualTo(2 * 2 * 3 * 16 * 4 * 8);
    assertThat(shape.rowBytes()).isGreaterThanOrEqualTo(2 * 2 * 1000 * 4);
    assertThat(shape.lists().listsPerLayer()).isEqualTo(1);
    assertThat(shape.workBytes()).isEqualTo(6 * shape.rowBytes());
    assertThat(shape.scratchBytes())
        .isEqualTo(
            shape.statsBytes()
                + shape.workBytes()
                + shape.lists().scoreBytes()
                + shape.lists().pooledBytes()
                + shape.lists().slotBytes()
                + shape.lists().cutBytes());
    // Widths of values stand where other rules have sums by row.
    PolicyShape perHead = new PolicyShape(2, new HeadShape(8, 2, 64), 2, 16, 900, 900, 900);
    assertThat(perHead.rowBytes()).isGreaterThanOrEqualTo(perHead.lists().scoreBytes());
  }

  @Test
  void scratchMemoryHoldsANumberPerQueryHeadAndRow() {
    PolicyShape wide = new PolicyShape(2, new HeadShape(14, 2, 128), 2, 16, 1000, 900, 100);
    assertThat(wide.headRowBytes()).isEqualTo(7 * wide.rowBytes());
    assertThat(wide.madeQueryBytes()).isGreaterThanOrEqualTo(2 * 14 * 3 * 64 * 4);
    assertThat(wide.workBytes()).isEqualTo(wide.headRowBytes() + wide.madeQueryBytes());
    assertThat(wide.withQueries(8).statsBytes()).isEqualTo(wide.statsBytes() / 2);
    // Counts per set take the place of maxima and sums.
    PolicyShape least = new PolicyShape(3, new HeadShape(2, 2, 64), 2, 1, 1, 1, 1);
    assertThat(least.statsBytes())
        .isGreaterThanOrEqualTo((least.lists().cutsPerLane() + 1) * Integer.BYTES);
  }

  private static Numbers numbers(String name) {
    return PolicyRules.numbers(create(name, Map.of()).scoreRule().orElseThrow()).orElseThrow();
  }

  private static KvCompressionPolicy create(String name, Map<String, String> options) {
    return KvPolicies.create(named(name, options));
  }

  private static KvPolicySettings named(String name, Map<String, String> options) {
    return new KvPolicySettings(name, 0, 0, 0, "", options);
  }
}
