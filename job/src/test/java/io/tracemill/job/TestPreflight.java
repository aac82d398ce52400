package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.ReasoningEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command preflight: what it says, and that nothing is different afterwards. */
class TestPreflight {
  private static final String GOOD = "{\"id\": \"a\", \"prompt\": \"What is 2 + 3?\"}\n";

  @TempDir private Path folder;

  private static String[] arguments(Path in, Path out, String... more) {
    String[] arguments = JobRun.arguments(in, out, more);
    arguments[0] = "preflight";
    return arguments;
  }

  /** Every path below a folder with its size and time of change. */
  private static TreeMap<String, String> tree(Path root) throws IOException {
    TreeMap<String, String> tree = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.toList()) {
        tree.put(
            root.relativize(file).toString(),
            Files.isDirectory(file)
                ? "folder " + Files.getLastModifiedTime(file)
                : Files.size(file) + " bytes " + Files.getLastModifiedTime(file));
      }
    }
    return tree;
  }

  @Test
  @Tag("model")
  void aRunThatWouldWorkIsDescribedMeasuredAndLeavesNothingBehind() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 40; i++) {
      lines.append("{\"id\": \"row %1$d\", \"prompt\": \"What is %1$d + 3?\"}\n".formatted(i));
    }
    lines.append("{\"id\": \"long\", \"prompt\": \"" + "12 + ".repeat(200) + "1\"}\n");
    lines.append("{\"id\": \"empty\", \"prompt\": \"\"}\n");
    Path in = JobRun.file(folder, "in.jsonl", lines.toString());
    TreeMap<String, String> before = tree(folder);
    JobRun run =
        JobRun.with(
            ReasoningEngines.INSTANCE,
            arguments(
                in,
                folder.resolve("deep/out"),
                "--max-context",
                "300",
                "--max-new-tokens",
                "40",
                "--slots",
                "3",
                "--sample-rows",
                "6",
                "--price-per-hour",
                "2.5",
                "--kv-memory",
                "64m"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(tree(folder)).isEqualTo(before);
    assertThat(run.output())
        .contains("Input: 42 rows of " + in + " (jsonl)\nResults: 42 asked for, 42 due")
        .containsPattern(
            "First prompt as the model gets it \\(row row \\d+, \\d+ tokens\\):\n  \\| ")
        .contains("What is ")
        .containsPattern("Prompt tokens of 41 rows: least \\d+, median \\d+, 95 % \\d+, most \\d+")
        .contains("Context: 300 tokens")
        .containsPattern("Engine: cpu on .*, 3 slots, opened in [\\d.]+ s")
        .containsPattern("Memory: .*kv pages [\\d.]+ MB.*weights [\\d.]+ MB")
        .containsPattern("KV cache: [\\d,]+ rows in [\\d,]+ pages;")
        .containsPattern("output +rpc +full")
        .containsPattern("whole budget, 40 tokens +\\d")
        .containsPattern("Sample: 6 rows finished, 0 failed, 0 still running")
        .containsPattern("Estimate for 42 rows on 1 engine: .* engine hours, at 2.50 an hour")
        .contains("warning: 1 of 42 prompts exceed the context of 300 tokens")
        .contains("error: long (")
        .contains(
            "warning: 1 of 42 rows cannot be asked and would become rows with an error, such as"
                + " empty: The prompt is empty.")
        .endsWith("This would run; nothing was changed.\n");
  }

  @Test
  void everyProblemIsListedOnceAndTheExitCodeIsNotZero() throws IOException {
    Path in = JobRun.file(folder, "in.jsonl", GOOD);
    Path file = JobRun.file(folder, "taken", "a file");
    TreeMap<String, String> before = tree(folder);
    JobRun run =
        JobRun.of(
            arguments(in, file, "--slots", "0", "--max-errors", "some", "--temperature", "-1"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output().lines())
        .containsExactly(
            "problem: temperature is -1.0; it must be 0 (greedy), or 1e-6 to 100.",
            "problem: --slots is 0; it must be 1 or more.",
            "problem: --max-errors is 'some'; it must be a number of rows such as 20, or a share"
                + " such as 5%.",
            "problem: --output " + file + " cannot be used: it is a file, not a folder.",
            "This would not run: 4 problems; nothing was changed.");
    assertThat(tree(folder)).isEqualTo(before);
  }

  @Test
  void whatOnlySparkAndTheEngineCanTellIsListedTogether() throws IOException {
    Path in = JobRun.file(folder, "in.jsonl", GOOD);
    Path out = folder.resolve("out");
    assertThat(JobRun.run(in, out).exitCode()).isZero();
    TreeMap<String, String> before = tree(folder);
    JobRun run =
        JobRun.with(
            new FakeEngine.Opener(0, 1, 0, "Shard 2 of the model is missing."),
            arguments(in, out, "--seed", "5"));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output())
        .contains(
            "problem: --output "
                + out
                + " holds a run with other settings (seed 0 there, 5 here); give the same to"
                + " continue it, or another --output.")
        .contains(
            "problem: The engine of this machine cannot be opened: Shard 2 of the model is missing.")
        .endsWith("This would not run: 2 problems; nothing was changed.\n");
    assertThat(tree(folder)).isEqualTo(before);
  }

  @Test
  void whatAResumeWouldSkipIsCounted() throws IOException {
    Path in = JobRun.file(folder, "in.jsonl", GOOD + "{\"id\": \"b\", \"prompt\": \"\"}\n");
    Path out = folder.resolve("out");
    assertThat(JobRun.run(in, out).exitCode()).isZero();
    JobRun.file(folder, "in.jsonl", Files.readString(in) + "{\"id\": \"c\", \"prompt\": \"Hi\"}\n");
    TreeMap<String, String> before = tree(folder);
    JobRun run = JobRun.of(arguments(in, out));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output())
        .contains(
            "Results: 3 asked for, 2 are in the output already and would be skipped (1 of them"
                + " failed), 1 due");
    assertThat(JobRun.of(arguments(in, out, "--retry-errors")).output())
        .contains(
            "Results: 3 asked for, 1 are in the output already and would be skipped (0 of them"
                + " failed), 1 would be generated anew, 2 due");
    JobRun refused = JobRun.of(arguments(in, out, "--no-resume"));
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.output()).contains("problem: --output " + out + " already holds a run");
    assertThat(tree(folder)).isEqualTo(before);
  }

  @Test
  void aDryRunIsTheSame() {
    Path in = JobRun.file(folder, "in.jsonl", GOOD);
    JobRun run = JobRun.run(in, folder.resolve("out"), "--dry-run");
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output())
        .contains("First prompt as the model gets it (row a, ")
        .endsWith("This would run; nothing was changed.\n");
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void aFolderThatMayNotBeWrittenIsAProblem() throws IOException {
    Path in = JobRun.file(folder, "in.jsonl", GOOD);
    JobRun run = JobRun.of(arguments(in, Path.of("/proc/nobody/out")));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output())
        .contains(
            "problem: --output /proc/nobody/out cannot be used: /proc may not be written by ");
  }

  @Test
  void rowsThatRunTooLongAreCountedWithWhatTheyHave() {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      lines.add("{\"id\": \"a row with a long key %1$d\", \"prompt\": \"p %1$d\"}".formatted(i));
    }
    Path in = JobRun.file(folder, "in.jsonl", String.join("\n", lines) + "\n");
    long start = System.nanoTime();
    JobRun run =
        JobRun.with(
            new FakeEngine.Opener(20, 1_000_000, 0, ""),
            arguments(
                in, folder.resolve("out"), "--sample-seconds", "2", "--max-new-tokens", "100"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat((System.nanoTime() - start) / 1_000_000_000).isLessThan(60);
    assertThat(run.output())
        .containsPattern("Sample: \\d rows finished, 0 failed, \\d+ still running after 2\\.\\d s")
        .containsPattern("Estimate for 10 rows on 1 engine: [\\d,]+ to 1,000 tokens");
    assertThat(FakeEngine.insideNewest()).as("rows left in the engine").isZero();
  }
}
