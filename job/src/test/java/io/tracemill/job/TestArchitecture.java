package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Who may use whom, read from the compiled classes of udf and job. */
class TestArchitecture {
  private static final Path UDF = Path.of("../udf/target/classes");
  private static final Path JOB = Path.of("target/classes");

  /** Names of types in a constant pool: internal names, with or without the signature's frame. */
  private static final Pattern OWN_TYPE =
      Pattern.compile("io/tracemill/((?:[a-z]+/)+)[A-Z][A-Za-z0-9]*");

  /** Packages of the engine that are meant for others; its schedule and backends are not. */
  private static final List<String> ENGINE_FACE =
      List.of(
          "engine",
          "engine/api",
          "engine/backend",
          "engine/compress",
          "engine/error",
          "engine/kvcache",
          "engine/model",
          "engine/text");

  /** Floors of job: a package uses lower ones only. */
  private static final Map<String, Integer> JOB_FLOORS =
      Map.ofEntries(
          Map.entry("job/error", 0),
          Map.entry("job/stats", 0),
          Map.entry("job/eval/result", 1),
          Map.entry("job/input", 1),
          Map.entry("job/output", 1),
          Map.entry("job/session", 1),
          Map.entry("job/length", 2),
          Map.entry("job/progress", 2),
          Map.entry("job/wave", 2),
          Map.entry("job/report/data", 2),
          Map.entry("job/run", 3),
          Map.entry("job/report/chart", 3),
          Map.entry("job/calibrate", 4),
          Map.entry("job/eval", 4),
          Map.entry("job/preflight", 4),
          Map.entry("job/replay", 4),
          Map.entry("job/report/page", 4),
          Map.entry("job/report", 5),
          Map.entry("job/cli", 6),
          Map.entry("job", 7));

  @Test
  void neitherModuleKnowsJCudaOrTheGpuModule() throws IOException {
    for (Path module : List.of(UDF, JOB)) {
      for (Path file : classes(module)) {
        assertThat(constants(file))
            .as(file.toString())
            .doesNotContain("jcuda/", "io/tracemill/gpu");
      }
    }
  }

  @Test
  void theEngineIsUsedThroughItsPublicPackagesOnly() throws IOException {
    for (Path module : List.of(UDF, JOB)) {
      for (Map.Entry<Path, TreeSet<String>> used : uses(module).entrySet()) {
        assertThat(used.getValue().stream().filter(name -> name.startsWith("engine")))
            .as(used.getKey().toString())
            .isSubsetOf(ENGINE_FACE);
      }
    }
  }

  @Test
  void udfDoesNotKnowJobAndJobsPackagesUseLowerFloorsOnly() throws IOException {
    for (Map.Entry<Path, TreeSet<String>> used : uses(UDF).entrySet()) {
      assertThat(used.getValue())
          .as(used.getKey().toString())
          .noneMatch(name -> name.startsWith("job"));
    }
    List<String> upward = new ArrayList<>();
    int checked = 0;
    for (Map.Entry<Path, TreeSet<String>> used : uses(JOB).entrySet()) {
      String own = JOB.resolve("io/tracemill").relativize(used.getKey().getParent()).toString();
      assertThat(JOB_FLOORS).containsKey(own);
      for (String other : used.getValue()) {
        if (JOB_FLOORS.containsKey(other) && !other.equals(own)) {
          checked++;
          if (JOB_FLOORS.get(other) >= JOB_FLOORS.get(own)) {
            upward.add(used.getKey() + " uses " + other);
          }
        }
      }
    }
    assertThat(upward).isEmpty();
    assertThat(checked).as("uses that were looked at").isGreaterThan(20);
  }

  private static Map<Path, TreeSet<String>> uses(Path module) throws IOException {
    Map<Path, TreeSet<String>> uses = new TreeMap<>();
    for (Path file : classes(module)) {
      TreeSet<String> packages = new TreeSet<>();
      Matcher matcher = OWN_TYPE.matcher(constants(file));
      while (matcher.find()) {
        packages.add(matcher.group(1).replaceAll("/$", ""));
      }
      uses.put(file, packages);
    }
    return uses;
  }

  private static List<Path> classes(Path module) throws IOException {
    try (Stream<Path> files = Files.walk(module)) {
      List<Path> classes = files.filter(file -> file.toString().endsWith(".class")).toList();
      assertThat(classes).as(module.toString()).isNotEmpty();
      return classes;
    }
  }

  private static String constants(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
  }
}
