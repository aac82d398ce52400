package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.table.TableFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cluster whose engines die: the person at the command line learns why, not only that. */
@Timeout(300)
class TestDeadExecutors {
  private static final int ROWS = 64;
  private static final long MOST_SECONDS = 240;

  @TempDir private Path folder;

  @Test
  void theMessageOfARunNamesTheReasonWhyItsExecutorsEnded() throws Exception {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            IntStream.range(0, ROWS)
                .mapToObj("{\"id\": %1$d, \"prompt\": \"p %1$d\"}\n"::formatted)
                .collect(Collectors.joining()));
    Path out = folder.resolve("out");
    // Every engine dies after five results, and a task may fail once.
    List<String> command =
        new ArrayList<>(List.of(folder.resolve("requests").toString(), "5", "3", "5"));
    command.addAll(
        List.of(
            JobRun.arguments(
                in, out, "--output-format", "parquet", "--slots", "4", "--partitions", "4")));
    try (JobProcess job = new JobProcess(folder)) {
      job.start(command, Map.of("spark.task.maxFailures", "1"));
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS);
      while (job.isAlive() && System.nanoTime() < deadline) {
        Thread.sleep(100);
      }
      assertThat(job.isAlive()).as("it still runs; its log: %s", job.log()).isFalse();
      assertThat(job.exitValue()).as(job.log()).isEqualTo(1);
      assertThat(job.log())
          .containsPattern(
              "The engine of executor \\d+ has died: The fake engine has died. Spark repeats its"
                  + " rows elsewhere.");
      String said =
          job.log().lines().filter(line -> line.startsWith("tracemill: ")).findFirst().orElse("");
      assertThat(said)
          .startsWith(
              "tracemill: The run failed: engines died and took their executors along more often"
                  + " than spark.task.maxFailures allows (executor ")
          .contains(": The fake engine has died");
    }
    Row run = TableFiles.read(JobRun.spark(), out.resolve("runs").toString()).head();
    assertThat(run.getString(run.fieldIndex("outcome"))).isEqualTo("failed");
    // Half a wave is nowhere, neither for us nor for anybody else.
    assertThat(Files.exists(out.resolve("traces").resolve("_writing"))).isFalse();
    assertThat(TableFiles.read(JobRun.spark(), out.resolve("traces").toString()).count()).isZero();
  }
}
