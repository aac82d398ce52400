package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Engines that die while they generate: in executors of their own, and in the user's process. */
@Timeout(240)
class TestDeadEngine {
  private static final int ROWS = 400;

  @TempDir private Path folder;

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Tag("cluster")
  @Test
  void anExecutorWhoseEngineDiesEndsAndItsRowsComeFromAnother() throws Exception {
    try (ClusterJvms cluster = new ClusterJvms(folder, "")) {
      List<String> lines =
          cluster.submit(
              FeedingTasks.class,
              List.of("2", "" + ROWS, "16", folder.toString(), "70"),
              "local-cluster[2,2,1024]");
      List<String> rows = lines.stream().filter(line -> line.startsWith("row ")).toList();
      assertThat(rows.stream().map(line -> line.split(" ")[1]).sorted())
          .isEqualTo(IntStream.range(0, ROWS).mapToObj(String::valueOf).sorted().toList());
      String log = Files.readString(cluster.log("application"));
      assertThat(log).contains("Command exited with code " + DyingProcess.EXIT_CODE);
      // The one that died may have finished tasks; those who came after did the rest.
      Set<String> executors =
          rows.stream().map(line -> line.split(" ")[2]).collect(Collectors.toSet());
      assertThat(executors).hasSizeGreaterThanOrEqualTo(2);
      assertThat(log.lines().filter(line -> line.contains("Lost task")).count())
          .as("each of its running tasks was lost once")
          .isBetween(1L, 2L);
    }
  }

  @Tag("cluster")
  @Test
  void enginesThatAlwaysDieEndTheJob() throws Exception {
    try (ClusterJvms cluster = new ClusterJvms(folder, "")) {
      int exit =
          cluster.run(
              FeedingTasks.class,
              List.of("1", "" + ROWS, "2", "", "5"),
              "local-cluster[1,2,1024]",
              "spark.task.maxFailures=2");
      assertThat(exit).isNotZero();
      assertThat(Files.readString(cluster.log("application")))
          .contains("failed 2 times")
          .contains("Command exited with code " + DyingProcess.EXIT_CODE);
    }
  }

  @Test
  void inTheUsersOwnProcessTheTaskFailsAndTheNextRunOpensANewEngine() {
    EngineSettings settings = FakeSettings.engine(2);
    try (EngineHolder.Lease lease =
            EngineHolder.lease(settings, new FakeEngine.Opener(0, 1, 2, ""), () -> false);
        Feeder feeder = lease.feeder()) {
      submit(feeder, 0);
      submit(feeder, 1);
      assertThat(feeder.poll(Duration.ofSeconds(5))).isPresent();
      assertThat(feeder.poll(Duration.ofSeconds(5))).isPresent();
      assertThatThrownBy(
              () -> {
                submit(feeder, 2);
                feeder.poll(Duration.ofSeconds(5));
              })
          .isInstanceOfSatisfying(
              ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ENGINE_DEAD))
          .hasMessage("The fake engine has died.");
    }
    try (EngineHolder.Lease next = EngineHolder.lease(settings, FakeEngine.fast(), () -> false);
        Feeder works = next.feeder()) {
      works.submit(FakeSettings.generation().request("row", 0, FakeSettings.prompt("Why?")));
      assertThat(works.poll(Duration.ofSeconds(5))).isPresent();
    }
  }

  /** With a prompt of its own: identical requests would be generated once. */
  private static void submit(Feeder feeder, int row) {
    feeder.submit(
        FakeSettings.generation().request("row " + row, 0, FakeSettings.prompt("Why " + row)));
  }
}
