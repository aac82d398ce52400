package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.ReasoningEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command replay over tables that the real engine wrote. */
@Tag("model")
class TestReplay {
  private static final String[] ENGINE = {
    "--slots",
    "3",
    "--kv-memory",
    "64m",
    "--max-context",
    "1000",
    "--rpc-interval",
    "64",
    "--rpc-window",
    "16",
    "--max-new-tokens",
    "150"
  };

  @TempDir private Path folder;

  private Path written(String lines, String... more) {
    Path in = JobRun.file(folder, "in.jsonl", lines);
    Path out = folder.resolve("out");
    String[] all = java.util.Arrays.copyOf(ENGINE, ENGINE.length + more.length);
    System.arraycopy(more, 0, all, ENGINE.length, more.length);
    JobRun run = JobRun.with(ReasoningEngines.INSTANCE, JobRun.arguments(in, out, all));
    assertThat(run.exitCode()).as(run.output()).isZero();
    return out;
  }

  private static JobRun replay(Path out, String key, String... more) {
    String[] args = new String[4 + more.length];
    System.arraycopy(new String[] {"replay", key, "--output", out.toString()}, 0, args, 0, 4);
    System.arraycopy(more, 0, args, 4, more.length);
    return JobRun.with(ReasoningEngines.INSTANCE, args);
  }

  @Test
  void aRowIsTheSameAgainWithItsOwnSettingsAndItsOwnSample() {
    Path out =
        written(
            "{\"id\": \"a\", \"prompt\": \"What is 2 + 3?\", \"heat\": 2.0, \"policy\": \"full\"}\n"
                + "{\"id\": \"b\", \"prompt\": \"What is 7 * 8 - 1?\", \"heat\": null}\n",
            "--parameter-column",
            "temperature=heat",
            "--parameter-column",
            "kv-policy=policy",
            "--temperature",
            "0.6",
            "--samples",
            "2",
            "--seed",
            "11",
            "--stop",
            "a text that never comes, with a comma");
    for (String key : new String[] {"a", "b"}) {
      JobRun second = replay(out, key, "--sample", "1");
      assertThat(second.exitCode()).as(second.output()).isZero();
      assertThat(second.output()).containsPattern("Identical: all \\d+ tokens, finish reason ");
    }
    assertThat(
            JobRun.traces(out)
                .selectExpr(
                    "count(distinct token_ids) filter (where row_key = 'a')",
                    "count_if(size(token_ids) = generated_tokens)")
                .head()
                .mkString(" "))
        .as("samples at a high temperature differ, and all ids are there")
        .isEqualTo("2 4");
  }

  @Test
  void aConversationIsTheSameAgain() {
    Path out =
        written(
            "{\"id\": \"c\", \"messages\": [{\"role\": \"system\", \"content\": \"Be brief.\"},"
                + " {\"role\": \"user\", \"content\": \"What is 4 + 4?\"}]}\n",
            "--temperature",
            "0");
    JobRun same = replay(out, "c");
    assertThat(same.exitCode()).as(same.output()).isZero();
  }

  @Test
  void aDifferenceIsShownWithBothSidesAndWhyItMayBe() throws IOException {
    Path out = written("{\"id\": \"a\", \"prompt\": \"What is 2 + 3?\"}\n", "--temperature", "0");
    // The same table, but for its fourth token and the version that is said to have made it.
    Path other = folder.resolve("other");
    JobRun.traces(out)
        .withColumn(
            "token_ids", functions.expr("transform(token_ids, (id, i) -> if(i = 3, id + 1, id))"))
        .withColumn("engine_version", functions.lit("0.0.1"))
        .write()
        .format("delta")
        .save(other.resolve("traces").toString());
    JobRun.runs(out).write().format("delta").save(other.resolve("runs").toString());
    JobRun run = replay(other, "a");
    assertThat(run.exitCode()).as(run.output()).isEqualTo(1);
    assertThat(run.output())
        .contains("Different from token 3 on (counted from 0): the table has ")
        .containsPattern("  recorded: token \\d+; around it \\(from token 0\\): '.*' \\[\\d+, ")
        .containsPattern("  replayed: token \\d+; around it \\(from token 0\\): '.*' \\[\\d+, ")
        .containsPattern("It may differ because of the engine version: it was 0.0.1 and is .*\\.")
        .doesNotContain("because of the model");
    try (var files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("in.jsonl", "out", "other");
    }
  }

  @Test
  void whatCannotBeReplayedIsSaidInOneSentence() {
    Path out =
        written(
            "{\"id\": \"a\", \"prompt\": \"\"}\n{\"id\": \"b\", \"prompt\": \"What is 1 + 1?\"}\n");
    assertSaid(
        replay(out, "a"),
        "Row 'a' was never generated (The prompt is empty.) and cannot be replayed.");
    assertSaid(replay(out, "z"), out + "/traces has no row with the key 'z'; see column row_key.");
    assertSaid(
        replay(out, "b", "--sample", "2"),
        out + "/traces has no sample 2 of row 'b', only 1 of them, counted from 0; see --sample.");
    assertSaid(
        replay(folder.resolve("none"), "b"),
        "--output "
            + folder.resolve("none")
            + " holds no traces; give the --output folder of a run.");
    assertSaid(
        replay(out, "b", "--model", "/no/model"),
        "--model /no/model does not exist or is not a folder.");
  }

  private static void assertSaid(JobRun run, String sentence) {
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output().lines()).containsExactly("tracemill: " + sentence);
  }
}
