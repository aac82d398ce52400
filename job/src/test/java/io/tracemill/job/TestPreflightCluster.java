package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A preflight whose engine is opened where it will run: on an executor of its own. */
@Timeout(420)
class TestPreflightCluster {
  private static final int ROWS = 40;
  private static final long MOST_SECONDS = 360;

  @TempDir private Path folder;

  @Test
  void theSampleIsGeneratedOnAnExecutorAndNothingIsWritten() throws Exception {
    Path in =
        JobRun.file(
            folder,
            "in.jsonl",
            IntStream.range(0, ROWS)
                .mapToObj("{\"id\": %1$d, \"prompt\": \"p %1$d\"}\n"::formatted)
                .collect(Collectors.joining()));
    Path out = folder.resolve("out");
    Path requests = folder.resolve("requests");
    List<String> command = new ArrayList<>(List.of(requests.toString(), "1", "3", "0"));
    List<String> run = List.of(JobRun.arguments(in, out, "--slots", "4", "--sample-rows", "6"));
    command.add("preflight");
    command.addAll(run.subList(1, run.size()));
    try (JobProcess job = new JobProcess(folder)) {
      job.start(command);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(MOST_SECONDS);
      while (job.isAlive() && System.nanoTime() < deadline) {
        Thread.sleep(100);
      }
      assertThat(job.isAlive()).as("it still runs; its log: %s", job.log()).isFalse();
      assertThat(job.exitValue()).as(job.log()).isZero();
      assertThat(job.log())
          .contains("Input: 40 rows of ")
          .contains("Sample: 6 rows finished, 0 failed")
          .containsPattern("Estimate for 40 rows on (1 engine|2 engines): ");
    }
    try (Stream<String> lines = Files.lines(requests)) {
      assertThat(lines).as("requests, noted by the executors' engines").hasSize(6);
    }
    assertThat(out).doesNotExist();
  }
}
