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
    assertThat(schedule.compressionsAfter(10, 1_000_000)).isZero();
    assertThat(schedule.dueAfter(10, 1_000_000)).isFalse();
    assertThat(schedule.plan(10, 1_000_000)).isEmpty();
  }

  @Test
  void rpcFillsInTheDefaultsOfThePaper() {
    KvCompressionPolicy policy = KvPolicies.create(rpc(1024, 4, 4, "", Map.of()));
    assertThat(policy.settings())
        .isEqualTo(rpc(1024, 4, 4, "paper", Map.of("aggregation", "all", "pooling-kernel", "7")));
    assertThat(policy.needs()).isEqualTo(PolicyNeeds.ofQueries(4, PolicyNeeds.HeadSets.SHARED));
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
    assertThat(policy.needs())
        .isEqualTo(PolicyNeeds.ofQueries(16, PolicyNeeds.HeadSets.PER_KV_HEAD));
    assertThat(policy.schedule()).isEqualTo(new RpcSchedule(64, 16, 16));
  }

  @Test
  void badSettingsAreRefusedInOneSentence() {
    assertRefused(
        new KvPolicySettings("rcp", 0, 0, 0, "", Map.of()),
        "KV policy 'rcp' is unknown; choose one of full, rpc, sinks-window, random, tova, snapkv, h2o,"
            + " r-kv, g-kv, lagkv, chunkkv, vase, triattention.");
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

  @Test
  void policiesFillInTheirDefaults() {
    assertThat(filled("tova"))
        .isEqualTo(
            named(
                "tova",
                16,
                1,
                0,
                Map.of("budget", "fixed", "rows", "2048", "prompt", "compete", "sinks", "0")));
    assertThat(filled("random"))
        .isEqualTo(named("random", 1024, 32, 4, Map.of("budget", "growing")));
    assertThat(filled("sinks-window").options()).containsEntry("sinks", "4");
    assertThat(filled("r-kv").options())
        .containsEntry("lambda", "0.1")
        .containsEntry("pooling-kernel", "7")
        .containsEntry("aggregation", "all");
    assertThat(filled("lagkv").options())
        .containsEntry("partition", "128")
        .containsEntry("share", "0.25");
  }

  @Test
  void whatAPolicyNeedsFollowsFromItsRule() {
    PolicyNeeds h2o = create("h2o", Map.of()).needs();
    assertThat(h2o.queryRingDepth()).isEqualTo(128);
    assertThat(h2o.rowData()).isEqualTo(PolicyNeeds.RowData.SCORE);
    assertThat(h2o.promptRows()).isEqualTo(PolicyNeeds.PromptRows.COMPETE);
    assertThat(create("snapkv", Map.of("prompt", "keep")).needs().promptRows())
        .isEqualTo(PolicyNeeds.PromptRows.STAY);
    assertThat(create("random", Map.of()).needs()).isEqualTo(PolicyNeeds.NONE);
    assertThat(create("vase", Map.of()).needs().values()).isEqualTo(PolicyNeeds.Values.READ);
    assertThat(create("snapkv", Map.of("aggregation", "group")).needs().headSets())
        .isEqualTo(PolicyNeeds.HeadSets.PER_KV_HEAD);
    KvCompressionPolicy threshold = create("snapkv", Map.of("budget", "threshold"));
    assertThat(threshold.keepRule()).isEqualTo(new KeepRule.AttentionNorm(0.05, 8));
    assertThat(threshold.schedule().rowsAfter(10, 5000)).as("a bound").isEqualTo(5010);
  }

  @Test
  void parametersOutOfTheirRangesAreRefusedInOneSentence() {
    assertRefused(
        named("snapkv", 0, 0, 0, Map.of("rows", "8")),
        "Option rows of KV policy snapkv is 8; it must be more than the 0 sinks and the window of 8"
            + " tokens, which always stay.");
    assertRefused(
        named("snapkv", 4, 0, 0, Map.of()),
        "KV policy snapkv reads the newest 8 queries but compresses every 4 tokens; make the"
            + " interval at least as long.");
    assertRefused(
        named("tova", 0, 0, 0, Map.of("rows", "many")),
        "Option rows of KV policy tova is 'many'; it must be a whole number from 1 to 1073741824.");
    assertRefused(
        named("tova", 0, 0, 4, Map.of()),
        "KV policy tova has no compression ratio, but 4 was given; leave it out or choose another"
            + " policy.");
    assertRefused(
        named("tova", 0, 0, 0, Map.of("row", "100")),
        "KV policy tova has no option 'row'; its options are budget, prompt, sinks, rows.");
    assertRefused(
        named("tova", 0, 0, 0, Map.of("prompt", "drop")),
        "Option prompt of KV policy tova is 'drop'; it must be keep or compete.");
    assertRefused(
        named("random", 100, 0, 3, Map.of()),
        "The interval of KV policy random, 100 tokens, is not divisible by the compression ratio 3;"
            + " choose a multiple such as 99.");
    assertRefused(
        named("random", 32, 32, 4, Map.of()),
        "The window of KV policy random is 32 tokens; it must be smaller than the interval of 32"
            + " tokens.");
    assertRefused(
        named("random", -1, 0, 0, Map.of("budget", "fixed")),
        "The interval of KV policy random is -1; it must be at least 1 token.");
    assertRefused(
        named("r-kv", 0, 0, 0, Map.of("lambda", "2")),
        "Option lambda of KV policy r-kv is '2'; it must be a number from 0.0 to 1.0.");
    assertRefused(
        named("g-kv", 0, 0, 0, Map.of("budget", "some")),
        "Option budget of KV policy g-kv is 'some'; it must be growing or fixed or ratio or"
            + " threshold.");
    assertRefused(
        named("lagkv", 0, 0, 0, Map.of("partition", "8", "share", "0.05")),
        "Option share of KV policy lagkv is '0.05'; it must be a share that leaves at least 1 and at"
            + " most 7 rows of 8.");
    assertRefused(
        named("triattention", 0, 0, 0, Map.of()),
        "KV policy triattention needs option calibration: a file of query statistics of the model.");
    assertRefused(
        named("triattention", 0, 0, 0, Map.of("calibration", "no/such/file")),
        "The query calibration no/such/file cannot be used: there is no such file.");
    assertRefused(
        new KvPolicySettings("tova", 0, 0, 0, "paper", Map.of()),
        "Option mode of KV policy tova is 'paper'; it must be left out.");
  }

  private static KvPolicySettings filled(String name) {
    return create(name, Map.of()).settings();
  }

  private static KvCompressionPolicy create(String name, Map<String, String> options) {
    return KvPolicies.create(named(name, 0, 0, 0, options));
  }

  private static KvPolicySettings named(
      String name, int interval, int window, int ratio, Map<String, String> options) {
    return new KvPolicySettings(name, interval, window, ratio, "", options);
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
