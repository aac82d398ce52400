package io.tracemill.job.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.job.error.JobException;
import io.tracemill.job.input.KvPolicyText;
import io.tracemill.job.input.VariantKey;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestGrid {
  @Test
  void alternativesAreCrossedTheLastChangingFastest() {
    assertThat(PolicySweep.expand(" snapkv  rows=256|512 interval=64|128 window=8 "))
        .containsExactly(
            "snapkv rows=256 interval=64 window=8",
            "snapkv rows=256 interval=128 window=8",
            "snapkv rows=512 interval=64 window=8",
            "snapkv rows=512 interval=128 window=8");
    assertThat(PolicySweep.expand("full|lagkv")).containsExactly("full", "lagkv");
  }

  @Test
  void everyPolicyMeetsEveryTemperatureAndGreedyOutputIsMadeOnce() {
    Grid grid = Grid.of(List.of("full", "tova rows=64|128"), List.of(0f, 0.6f), 4);
    assertThat(grid.cells()).hasSize(6);
    assertThat(grid.cells())
        .extracting(GridCell::given, GridCell::temperatureText, GridCell::samples)
        .startsWith(
            org.assertj.core.groups.Tuple.tuple("full", "0", 1),
            org.assertj.core.groups.Tuple.tuple("full", "0.6", 4),
            org.assertj.core.groups.Tuple.tuple("tova rows=64", "0", 1));
    assertThat(grid.cells().get(0).name()).isEqualTo("full temperature=0");
    assertThat(grid.baseline(grid.cells().get(5)).orElseThrow()).isEqualTo(grid.cells().get(1));
    assertThat(Grid.of(List.of("lagkv"), List.of(0f), 1).cells().get(0).isFull()).isFalse();
  }

  @Test
  void enginesKeepTheQueriesOfThePolicyThatNeedsMost() {
    assertThat(Grid.of(List.of("full", "sinks-window"), List.of(0f), 1).queryRingDepth()).isZero();
    assertThat(
            Grid.of(
                    List.of("rpc interval=512 window=64", "snapkv window=8", "h2o queries=100"),
                    List.of(0f),
                    1)
                .queryRingDepth())
        .isEqualTo(100);
  }

  @Test
  void theNormalTextOfEveryPolicyIsReadBackToTheSamePolicy() {
    for (String name : KvPolicies.NAMES) {
      if (!name.equals("triattention")) { // Needs a file.
        String text = Grid.of(List.of(name), List.of(0f), 1).cells().get(0).policyText();
        assertThat(
                KvPolicyText.of(
                    KvPolicies.create(KvPolicyText.ofOption("--policy", text)).settings()))
            .as(name)
            .isEqualTo(text);
      }
    }
  }

  @Test
  void aKeyIsReadBackWhateverTheProblemsKeyIs() {
    GridCell cell = Grid.of(List.of("r-kv rows=64"), List.of(0.6f), 1).cells().get(0);
    for (String problem : List.of("a", "007", "a @ b", " @ ", "full temperature=0", "é\n")) {
      VariantKey key = new VariantKey(problem, cell.name());
      assertThat(VariantKey.parse(key.text())).isEqualTo(key);
    }
    assertThatThrownBy(() -> VariantKey.parse("eval-0001"))
        .hasMessage("'eval-0001' names no variant");
  }

  @Test
  void aFileHoldsAPolicyALine(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("grid.txt");
    Files.writeString(file, "# side by side\nfull\n\n  tova rows=64|128 # two\n");
    assertThat(Grid.policies(file)).containsExactly("full", "tova rows=64|128");
  }

  @Test
  void theSamePolicyWrittenInTwoWaysIsOneCell() {
    assertThatThrownBy(
            () -> Grid.of(List.of("tova", "tova interval=16 rows=2048"), List.of(0.5f), 1))
        .isInstanceOf(JobException.class)
        .hasMessage(
            "--policy 'tova' and --policy 'tova interval=16 rows=2048' at temperature 0.5 are the"
                + " same; leave one out.");
  }

  @Test
  void aGridThatNobodyMeansIsRefused() {
    assertThatThrownBy(
            () -> Grid.of(List.of("tova rows=" + "64|".repeat(2_000) + "64"), List.of(0f), 1))
        .hasMessageStartingWith("The grid has 2001 cells; it must have at most 1000");
  }
}
