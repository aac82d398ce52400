package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Mode;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Numbers;
import io.tracemill.gpu.internal.kernel.PolicyShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
  void theRestIsRefusedInOneSentence(@TempDir Path folder) throws IOException {
    QuerySums sums = new QuerySums(1, 1, 1);
    sums.add(0, 0, new float[] {1, 2}, 0);
    sums.countText(1);
    byte[] calibration = CalibrationFile.write(sums.calibration(CalibratedModel.UNKNOWN));
    String file = Files.write(folder.resolve("queries.tmqc"), calibration).toString();
    assertThat(PolicyRules.refusal(create("triattention", Map.of("calibration", file))))
        .contains(
            "The CUDA backend has no kernels for KV policy triattention; choose one of full, rpc,"
                + " sinks-window, random, tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase, or"
                + " the CPU backend.");
    assertThat(PolicyRules.refusal(create("snapkv", Map.of("budget", "threshold"))))
        .contains(
            "The CUDA backend does not count rows by attention norm, which budget=threshold of KV"
                + " policy snapkv asks for; choose budget=growing, fixed or ratio, or the CPU"
                + " backend.");
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
    assertThat(shape.scratchBytes())
        .isEqualTo(
            shape.statsBytes()
                + 6 * shape.rowBytes()
                + shape.lists().scoreBytes()
                + shape.lists().pooledBytes()
                + shape.lists().slotBytes()
                + shape.lists().cutBytes());
    // Widths of values stand where other rules have sums by row.
    PolicyShape perHead = new PolicyShape(2, new HeadShape(8, 2, 64), 2, 16, 900, 900, 900);
    assertThat(perHead.rowBytes()).isGreaterThanOrEqualTo(perHead.lists().scoreBytes());
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
