package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class TestKvPolicies {

  @Test
  void fullKeepsEveryRowAndNeedsNothing() {
    KvCompressionPolicy policy = KvPolicies.create(KvPolicySettings.full());
    assertThat(policy.settings()).isEqualTo(KvPolicySettings.full());
    assertThat(policy.needs()).isEqualTo(PolicyNeeds.NONE);
    assertThat(policy.scoreRule()).isEmpty();
    CompressionSchedule schedule = policy.schedule();
    assertThat(schedule.rowsAfter(10, 5)).isEqualTo(15);
    assertThat(schedule.rowsAttended(10, 5)).isEqualTo(15);
    assertThat(schedule.peakRows(10, 5)).isEqualTo(15);
    assertThat(schedule.attendedRowsTotal(10, 3)).isEqualTo(11 + 12 + 13);
    assertThat(schedule.compressionsAfter(1_000_000)).isZero();
    assertThat(schedule.dueAfter(1_000_000)).isFalse();
    assertThat(schedule.plan(10, 1_000_000)).isEmpty();
  }

  @Test
  void rpcFillsInTheDefaultsOfThePaper() {
    KvCompressionPolicy policy = KvPolicies.create(rpc(1024, 4, 4, "", Map.of()));
    assertThat(policy.settings())
        .isEqualTo(rpc(1024, 4, 4, "paper", Map.of("aggregation", "all", "pooling-kernel", "7")));
    assertThat(policy.needs()).isEqualTo(new PolicyNeeds(4, PolicyNeeds.HeadSets.SHARED));
    ScoreRule.SelectorAttention rule =
        (ScoreRule.SelectorAttention) policy.scoreRule().orElseThrow();
    assertThat(rule.ringWeights()).containsExactly(1f, 1f, 1f, 1f);
    assertThat(rule.aggregation()).isEqualTo(HeadAggregation.ALL);
    assertThat(rule.poolingKernelSize()).isEqualTo(7);
    assertThat(KvPolicies.create(policy.settings()).settings()).isEqualTo(policy.settings());
  }

  @Test
  void releaseModeCountsTheNewestQueryTwiceAndLosesTheOldest() {
    assertThat(ringWeights(4, "release")).containsExactly(0f, 1f, 1f, 2f);
    assertThat(ringWeights(2, "release")).containsExactly(0f, 2f);
    assertThat(ringWeights(1, "release")).containsExactly(1f);
  }

  @Test
  void groupAggregationKeepsASetPerKvHead() {
    KvCompressionPolicy policy =
        KvPolicies.create(
            rpc(64, 16, 4, "paper", Map.of("aggregation", "group", "pooling-kernel", "1")));
    assertThat(policy.needs()).isEqualTo(new PolicyNeeds(16, PolicyNeeds.HeadSets.PER_KV_HEAD));
    assertThat(policy.schedule()).isEqualTo(new RpcSchedule(64, 16, 16));
  }

  @Test
  void badSettingsAreRefusedInOneSentence() {
    assertRefused(
        new KvPolicySettings("rcp", 0, 0, 0, "", Map.of()),
        "KV policy 'rcp' is unknown; choose one of full, rpc.");
    assertRefused(
        rpc(1023, 32, 4, "paper", Map.of()),
        "The interval of KV policy rpc, 1023 tokens, is not divisible by the compression ratio 4;"
            + " choose a multiple such as 1024.");
    assertRefused(
        rpc(64, 64, 4, "paper", Map.of()),
        "The window of KV policy rpc is 64 tokens; it must be smaller than the interval of 64"
            + " tokens.");
    assertRefused(
        rpc(-64, 16, 4, "paper", Map.of()),
        "The interval of KV policy rpc is -64; it must be at least 2 tokens.");
    assertRefused(
        rpc(64, 0, 4, "paper", Map.of()),
        "The window of KV policy rpc is 0; it must be at least 1 token.");
    assertRefused(
        rpc(64, 16, 1, "paper", Map.of()),
        "The compression ratio of KV policy rpc is 1; it must be at least 2.");
    assertRefused(
        rpc(64, 16, 4, "papr", Map.of()),
        "KV policy rpc has no mode 'papr'; choose one of paper, release.");
    assertRefused(
        rpc(64, 16, 4, "paper", Map.of("pool", "7")),
        "KV policy rpc has no option 'pool'; its options are aggregation, pooling-kernel.");
    assertRefused(
        rpc(64, 16, 4, "paper", Map.of("aggregation", "head")),
        "Option aggregation of KV policy rpc is 'head'; it must be all or group.");
    for (String kernel : new String[] {"0", "2", "-1", "seven", "65"}) {
      assertRefused(
          rpc(64, 16, 4, "paper", Map.of("pooling-kernel", kernel)),
          "Option pooling-kernel of KV policy rpc is '%s'; it must be an odd number from 1 (off)"
                  .formatted(kernel)
              + " to 63.");
    }
    assertRefused(
        new KvPolicySettings("full", 1024, 0, 0, "", Map.of()),
        "KV policy full has no interval, but 1024 was given; leave it out or choose another"
            + " policy.");
    assertRefused(
        new KvPolicySettings("full", 0, 0, 0, "", Map.of("aggregation", "all")),
        "KV policy full has no option 'aggregation'; it takes none.");
    assertRefused(
        new KvPolicySettings("full", 0, 0, 0, "paper", Map.of()),
        "Option mode of KV policy full is 'paper'; it must be left out.");
  }

  private static Iterable<Float> ringWeights(int window, String mode) {
    KvCompressionPolicy policy = KvPolicies.create(rpc(64, window, 4, mode, Map.of()));
    return ((ScoreRule.SelectorAttention) policy.scoreRule().orElseThrow()).ringWeights();
  }

  private static KvPolicySettings rpc(
      int interval, int window, int ratio, String mode, Map<String, String> options) {
    return new KvPolicySettings("rpc", interval, window, ratio, mode, options);
  }

  private static void assertRefused(KvPolicySettings settings, String message) {
    assertThatThrownBy(() -> KvPolicies.create(settings))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_ARGUMENT))
        .hasMessage(message);
  }
}
