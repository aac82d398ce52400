package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The demo model with a full cache against {@code golden/}, made by an independent program. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestGoldenFull {
  private final List<GoldenFixture> fixtures = GoldenFixture.all();
  private CpuBackend backend;
  private LaneDriver driver;

  @BeforeAll
  void open() {
    backend = DemoModel.open(1, 0);
    driver = new LaneDriver(backend);
  }

  @AfterAll
  void close() {
    backend.close();
  }

  @Test
  void promptLogitsAgree() {
    double absolute =
        GoldenFixture.manifest().at("/suggested_tolerances/prompt_logits/absolute").doubleValue();
    for (GoldenFixture fixture : fixtures) {
      driver.start(0, fixture.promptIds(), SamplingParams.greedy(1), 0, 0);
      driver.prefill(0, fixture.promptIds(), 64);
      float[] logits = backend.logits(0);
      driver.end(0);
      double worst = 0;
      for (int i = 0; i < logits.length; i++) {
        worst = Math.max(worst, Math.abs(logits[i] - fixture.promptLogits()[i]));
      }
      assertThat(logits).hasSameSizeAs(fixture.promptLogits());
      assertThat(worst).as("largest difference of %s", fixture.id()).isLessThanOrEqualTo(absolute);
    }
  }

  @Test
  void greedyTokensAndGapsAgree() {
    double gapTolerance =
        GoldenFixture.manifest().at("/suggested_tolerances/gaps/absolute").doubleValue();
    for (GoldenFixture fixture : fixtures) {
      GoldenFixture.Output golden = fixture.full();
      int[] prompt = fixture.promptIds();
      int firm = golden.firmTokens();
      driver.start(0, prompt, SamplingParams.greedy(firm), 0, 0);
      int[] ids = new int[firm];
      double worstGap = 0;
      for (int k = 0; k < firm; k++) {
        if (k == 0) {
          ids[k] = driver.prefill(0, prompt, 64);
        } else {
          driver.reserve(0, prompt.length + k);
          ids[k] = driver.decode(0);
        }
        worstGap = Math.max(worstGap, Math.abs(gap(backend.logits(0)) - golden.gaps()[k]));
      }
      driver.end(0);
      assertThat(ids).as(fixture.id()).isEqualTo(Arrays.copyOf(golden.ids(), firm));
      assertThat(worstGap)
          .as("largest difference of a gap of %s", fixture.id())
          .isLessThanOrEqualTo(gapTolerance);
    }
  }

  /** Highest minus second highest. */
  private static float gap(float[] logits) {
    float first = Float.NEGATIVE_INFINITY;
    float second = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      if (logit > first) {
        second = first;
        first = logit;
      } else if (logit > second) {
        second = logit;
      }
    }
    return first - second;
  }
}
