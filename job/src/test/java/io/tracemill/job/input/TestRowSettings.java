package io.tracemill.job.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.udf.GenerationSettings;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Settings of one row over those of the run. */
class TestRowSettings {
  private static final GenerationSettings RUN =
      GenerationSettings.of(
          new SamplingParams(0.6f, 20, 0.95f, 0, 1, 4096, List.of("END"), 7),
          2,
          KvPolicySettings.rpc(1024, 32, 4));

  @Test
  void whatARowLeavesOpenIsTheRuns() throws BadRowException {
    assertThat(RowSettings.of(RUN, Map.of(), 32)).isSameAs(RUN);
    assertThat(RowSettings.of(RUN, Map.of(RowParameter.TEMPERATURE, " "), 32)).isSameAs(RUN);
  }

  @Test
  void numbersAndTextsOfNumbersAreTaken() throws BadRowException {
    GenerationSettings row =
        RowSettings.of(
            RUN,
            Map.of(
                RowParameter.TEMPERATURE,
                "0",
                RowParameter.TOP_P,
                0.5,
                RowParameter.TOP_K,
                3L,
                RowParameter.MIN_P,
                "0.1",
                RowParameter.MAX_NEW_TOKENS,
                64.0,
                RowParameter.SEED,
                "-9223372036854775808",
                RowParameter.STOP,
                List.of("a", "b"),
                RowParameter.SAMPLES,
                3),
            32);
    assertThat(row.sampling())
        .isEqualTo(new SamplingParams(0, 3, 0.5f, 0.1f, 1, 64, List.of("a", "b"), Long.MIN_VALUE));
    assertThat(row.samples()).isEqualTo(3);
    assertThat(row.kvPolicy()).isEqualTo(RUN.kvPolicy());
    assertThat(RowSettings.of(RUN, Map.of(RowParameter.STOP, "x"), 32).stopStrings())
        .containsExactly("x");
  }

  @Test
  void aPolicyStartsFromTheRunsOwnOfThatName() throws BadRowException {
    assertThat(policy("full").kvPolicy()).isEqualTo(KvPolicySettings.full());
    KvPolicySettings changed = policy("rpc ratio=8, mode=release aggregation=group").kvPolicy();
    assertThat(changed.intervalTokens()).isEqualTo(1024);
    assertThat(changed.ratio()).isEqualTo(8);
    assertThat(changed.mode()).isEqualTo("release");
    assertThat(changed.options()).containsEntry("aggregation", "group");
  }

  @ParameterizedTest
  @MethodSource("io.tracemill.job.input.BadRows#settings")
  void aWrongValueHasItsSentence(BadRows.Setting bad) {
    assertThatThrownBy(() -> RowSettings.of(RUN, Map.of(bad.parameter(), bad.value()), 32))
        .isInstanceOf(BadRowException.class)
        .hasMessage(bad.said());
  }

  private static GenerationSettings policy(String text) throws BadRowException {
    return RowSettings.of(RUN, Map.of(RowParameter.KV_POLICY, text), 32);
  }
}
