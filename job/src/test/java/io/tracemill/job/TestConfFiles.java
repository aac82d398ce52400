package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.job.cli.TracemillCommand;
import io.tracemill.job.progress.Console;
import io.tracemill.udf.FakeEngine;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The files in conf/: a reason above every key, and values that fit together. */
class TestConfFiles {
  private static final Path FOLDER = Path.of("../conf");

  static Stream<Path> files() throws IOException {
    try (Stream<Path> list = Files.list(FOLDER)) {
      List<Path> files = list.filter(file -> file.toString().endsWith(".conf")).sorted().toList();
      assertThat(files).hasSize(6);
      return files.stream();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyKeyHasAReason(Path file) throws IOException {
    boolean isExplained = false;
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("#")) {
        isExplained = true;
      } else if (line.isBlank()) {
        isExplained = false;
      } else {
        assertThat(isExplained).as("a comment right above: " + line).isTrue();
        assertThat(line).matches("spark\\.\\S+ +\\S.*");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void noKeyHarmsTheJob(Path file) throws IOException {
    Map<String, String> keys = keys(file);
    assertThat(keys)
        .containsEntry("spark.speculation", "false")
        .containsEntry("spark.databricks.delta.optimizeWrite.enabled", "false");
    if (keys.getOrDefault("spark.master", "").startsWith("local[")) {
      assertThat(keys.keySet()).noneMatch(key -> key.contains(".resource.gpu."));
    }
    if (keys.containsKey("spark.task.resource.gpu.amount")) {
      assertThat(keys).containsEntry("spark.executor.resource.gpu.amount", "1");
      int cores = Integer.parseInt(keys.getOrDefault("spark.executor.cores", "8"));
      assertThat(Double.parseDouble(keys.get("spark.task.resource.gpu.amount")) * cores)
          .isLessThanOrEqualTo(1);
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void ourOwnKeysAreOptions(Path file) throws IOException {
    Properties properties = new Properties();
    keys(file).forEach(properties::setProperty);
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    TracemillCommand.execute(
        new String[] {"run"},
        FakeEngine.fast(),
        new Console(new PrintStream(printed, true, StandardCharsets.UTF_8), Console.Screen.PLAIN),
        properties);
    // Had a key been unknown, that would have been said first.
    assertThat(printed.toString(StandardCharsets.UTF_8)).contains("Missing required options");
  }

  private static Map<String, String> keys(Path file) throws IOException {
    Map<String, String> keys = new TreeMap<>();
    for (String line : Files.readAllLines(file)) {
      if (!line.isBlank() && !line.startsWith("#")) {
        String[] pair = line.split(" +", 2);
        assertThat(keys.put(pair[0], pair[1])).as(pair[0] + " twice in " + file).isNull();
      }
    }
    return keys;
  }
}
