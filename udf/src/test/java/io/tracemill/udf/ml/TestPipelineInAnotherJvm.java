package io.tracemill.udf.ml;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.EngineHolder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.feature.SQLTransformer;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A pipeline saved here and loaded in another JVM gives the same rows, with the demo model. */
@Tag("model")
@Timeout(240)
class TestPipelineInAnotherJvm {
  private static final int ROWS = 5;

  @TempDir private Path folder;

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Test
  void rowsAreTheSameByteForByte() throws Exception {
    SparkSession spark = MlSession.get();
    Path prompts = prompts();
    ReasoningTransformer generate =
        new ReasoningTransformer()
            .setModel(Path.of("../demo/model").toAbsolutePath().normalize().toString())
            .setBackend("cpu")
            .setKeyCol("id")
            .setTemperature(0.7)
            .setSeed(11)
            .setSamples(2)
            .setMaxNewTokens(200)
            .setKvInterval(64)
            .setKvWindow(16)
            .setKvRatio(4)
            .setSlots(4)
            .setKvCacheBytes(32L << 20);
    SQLTransformer first =
        new SQLTransformer().setStatement("SELECT id, prompt FROM __THIS__ WHERE prompt <> ''");
    PipelineModel pipeline =
        new Pipeline()
            .setStages(new PipelineStage[] {first, generate})
            .fit(spark.read().json(prompts.toString()));
    pipeline.write().overwrite().save(folder.resolve("pipeline").toString());
    List<String> here =
        sorted(LoadedPipeline.rows(pipeline, spark.read().json(prompts.toString())));
    assertThat(here).hasSize(2 * ROWS).doesNotHaveDuplicates();
    assertThat(here).allSatisfy(row -> assertThat(row).contains("\"status\":\"ok\""));
    assertThat(here).anySatisfy(row -> assertThat(row).containsPattern("\"compressions\":[1-9]"));

    assertThat(sorted(inAnotherJvm(prompts))).isEqualTo(here);
  }

  /** Sampled rows of one id differ in nothing but their index and text. */
  private static List<String> sorted(List<String> rows) {
    return rows.stream().sorted().toList();
  }

  private Path prompts() throws Exception {
    List<String> easy =
        Files.readAllLines(Path.of("../demo/prompts.jsonl")).stream()
            .filter(line -> line.contains("\"steps\": 2,"))
            .limit(ROWS)
            .toList();
    return Files.write(folder.resolve("prompts.jsonl"), easy);
  }

  private List<String> inAnotherJvm(Path prompts) throws Exception {
    Path output = folder.resolve("rows");
    Path log = folder.resolve("log");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Arrays.asList(JavaModuleOptions.defaultModuleOptions().strip().split("\\s+")));
    command.addAll(List.of("-Xmx1g", "-XX:+UseSerialGC", "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(LoadedPipeline.class.getName());
    command.add(folder.resolve("pipeline").toString());
    command.add(prompts.toString());
    command.add(output.toString());
    Process other =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      boolean ended = other.waitFor(200, TimeUnit.SECONDS);
      assertThat(ended && other.exitValue() == 0).as(Files.readString(log)).isTrue();
      return Files.readAllLines(output);
    } finally {
      other.destroyForcibly();
    }
  }
}
