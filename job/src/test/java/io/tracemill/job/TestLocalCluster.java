package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.launcher.JavaModuleOptions;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The real engine on two executors in JVMs of their own, started as spark-submit starts them, from
 * a folder of jars that stands in for an installed Spark.
 */
@Tag("model")
class TestLocalCluster {
  private static final int ROWS = 12;
  private static final int MINUTES = 8;

  @TempDir private Path folder;

  @Test
  void executorsInJvmsOfTheirOwnEachOpenAnEngineAndShareTheRows() throws Exception {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            IntStream.range(0, ROWS)
                .mapToObj("{\"id\": %1$d, \"prompt\": \"What is %1$d + 30?\"}\n"::formatted)
                .collect(Collectors.joining()));
    Path out = folder.resolve("out");
    submit(
        List.of(),
        JobRun.arguments(
            in,
            out,
            "--partitions",
            "8",
            "--max-new-tokens",
            "16",
            "--slots",
            "2",
            "--kv-memory",
            "16m",
            "--threads",
            "1"));

    Row counts =
        JobRun.traces(out)
            .selectExpr(
                "count(*)",
                "count(distinct row_key)",
                "count_if(status = 'ok')",
                "array_join(array_sort(collect_set(executor_id)), ' ')")
            .head();
    assertThat(counts.mkString(" ")).isEqualTo("12 12 12 0 1");
  }

  @Test
  void executorsCollectQueriesAndReadTheCalibrationFromAnotherFileSystem() throws Exception {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            IntStream.range(0, 4)
                .mapToObj("{\"id\": %1$d, \"prompt\": \"What is %1$d + 30?\"}\n"::formatted)
                .collect(Collectors.joining()));
    Path file = folder.resolve("queries.bin");
    String[] calibrate = {
      "calibrate", "--input=" + in, "--model=" + JobRun.MODEL, "--tokens=40", "--to=" + file
    };
    submit(List.of(), calibrate);
    byte[] collectedApart = Files.readAllBytes(file);
    JobRun here = JobRun.of(calibrate);
    assertThat(here.exitCode()).as(here.output()).isZero();
    assertThat(Files.readAllBytes(file)).isEqualTo(collectedApart);

    Path out = folder.resolve("out");
    submit(
        List.of("--conf", "spark.hadoop.fs.viewfs.mounttable.far.link./data=file://" + folder),
        JobRun.arguments(
            in,
            out,
            "--partitions=4",
            "--max-new-tokens=48",
            "--slots=1",
            "--kv-memory=16m",
            "--threads=1",
            "--kv-policy=triattention",
            "--kv-option=calibration=viewfs://far/data/queries.bin",
            "--kv-option=rows=24",
            "--kv-option=interval=8",
            "--kv-option=window=8"));
    Row counts =
        JobRun.traces(out)
            .selectExpr(
                "count_if(status = 'ok')",
                "min(compressions) > 0",
                "array_join(array_sort(collect_set(executor_id)), ' ')",
                "array_join(collect_set(left(request.kv_options['calibration'], 30)), ' ')")
            .head();
    assertThat(counts.mkString(" ")).isEqualTo("4 true 0 1 viewfs://far/data/queries.bin#");
  }

  /** Runs a command line to its end, with further options for Spark. */
  private void submit(List<String> sparkOptions, String[] arguments) throws Exception {
    Path log = folder.resolve("log.txt");
    Process process = start(sparkHome(), log, sparkOptions, arguments);
    try {
      boolean ended = process.waitFor(MINUTES, TimeUnit.MINUTES);
      assertThat(ended).as("ended in time; its log: %s", Files.readString(log)).isTrue();
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
  }

  private Process start(Path home, Path log, List<String> sparkOptions, String[] arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(JavaModuleOptions.defaultModuleOptions().split(" ")));
    command.addAll(
        List.of(
            "-Xmx1g",
            "-XX:TieredStopAtLevel=1", // The driver computes nothing.
            "-cp",
            home.resolve("jars") + "/*",
            "org.apache.spark.deploy.SparkSubmit",
            "--master",
            "local-cluster[2,1,1024]",
            "--conf",
            "spark.executor.memory=768m",
            "--conf",
            "spark.ui.enabled=false",
            "--conf",
            "spark.driver.host=127.0.0.1",
            "--conf",
            "spark.driver.bindAddress=127.0.0.1",
            "--conf",
            "spark.sql.shuffle.partitions=2",
            "--conf",
            "spark.databricks.delta.snapshotPartitions=2",
            // Both executors are there before the first row is dealt out.
            "--conf",
            "spark.scheduler.minRegisteredResourcesRatio=1.0",
            "--conf",
            "spark.locality.wait=0s",
            "--class",
            "io.tracemill.job.ReasoningJob"));
    command.addAll(sparkOptions);
    command.add(jar(home, "job-classes.jar").toString());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("SPARK_HOME", home.toString());
    builder.environment().put("SPARK_SCALA_VERSION", "2.13");
    builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
    builder.directory(folder.toFile()); // Executors work in a folder below.
    return builder.redirectErrorStream(true).redirectOutput(log.toFile()).start();
  }

  /** What this test runs with, as jars in one folder. */
  private Path sparkHome() throws IOException {
    Path home = folder.resolve("spark");
    if (Files.isDirectory(home)) {
      return home;
    }
    Files.createDirectories(home.resolve("jars"));
    Files.createDirectories(home.resolve("conf"));
    int number = 0;
    for (String entry :
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
            .split(File.pathSeparator)) {
      Path path = Path.of(entry).toAbsolutePath();
      if (Files.isDirectory(path)) {
        if (path.endsWith("target/classes")) {
          JobJars.pack(
              path, jar(home, path.getParent().getParent().getFileName() + "-classes.jar"));
        }
      } else if (entry.endsWith(".jar") && !entry.endsWith("-tests.jar")) {
        Files.createSymbolicLink(
            home.resolve("jars").resolve(number++ + "-" + path.getFileName()), path);
      }
    }
    return home;
  }

  private static Path jar(Path home, String name) {
    return home.resolve("jars").resolve(name);
  }
}
