package io.tracemill.job.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.EngineOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestPlan {
  @TempDir private Path folder;

  @Test
  void feedersOfAnEngineHaveFourTimesItsSlotsBetweenThem() {
    assertThat(PartitionPlan.partitions(100_000, 16, 16, 64)).isEqualTo(6_250);
    assertThat(PartitionPlan.partitions(100_000, 2, 2, 64)).isEqualTo(782);
    assertThat(PartitionPlan.partitions(40, 2, 2, 32)).isEqualTo(2);
    assertThat(PartitionPlan.partitions(1, 8, 8, 32)).isEqualTo(1);
    assertThat(PartitionPlan.partitions(100_000_000_000L, 8, 8, 1)).isEqualTo(100_000);
  }

  @Test
  void anErrorBudgetIsANumberOrAShare() {
    assertThat(ErrorBudget.parse("10").isExceeded(10, 100)).isFalse();
    assertThat(ErrorBudget.parse("10").isExceeded(11, 1_000_000)).isTrue();
    assertThat(ErrorBudget.parse("2.5%").isExceeded(25, 1_000)).isFalse();
    assertThat(ErrorBudget.parse("2.5 %").isExceeded(26, 1_000)).isTrue();
    assertThat(ErrorBudget.parse("0").isExceeded(1, 5)).isTrue();
    assertThat(ErrorBudget.UNLIMITED.isExceeded(5, 5)).isFalse();
  }

  @Test
  void aModelIsKnownByItsFilesAndNotByItsPlace() throws IOException {
    Path one = model("one/m", "{}");
    Path copy = model("copy/m", "{}");
    Path other = model("other/m", "{ }");
    String id = id(one);
    assertThat(id).matches("m@[0-9a-f]{12}");
    assertThat(id(copy)).isEqualTo(id);
    assertThat(id(other)).isNotEqualTo(id);
  }

  private Path model(String name, String config) throws IOException {
    Path model = Files.createDirectories(folder.resolve(name));
    Files.writeString(model.resolve("config.json"), config);
    Files.writeString(model.resolve("tokenizer.json"), "{}");
    Files.writeString(model.resolve("model.safetensors"), "12345678{}");
    return model;
  }

  private static String id(Path model) {
    return ModelFolder.open(model.toString(), EngineOptions.Weights.CHECKPOINT).modelId();
  }
}
