package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command duplicates over inputs of every form. */
class TestDuplicatesCommand {
  private static final String TRAIN =
      "A train leaves the station at noon and travels at %s miles an hour. When is it there?";
  private static final String PROOF =
      "Prove that the square root of two is not a rational number, in as few lines as you can.";

  @TempDir private Path folder;

  @Test
  void pairsOfATableArePrintedTheMostAlikeFirst() {
    Path in =
        JobRun.file(
            folder,
            "in.csv",
            "key,question\na,%s\nb,%s\nc,\"%s\"\nd,%s\ne,hi\n"
                .formatted(
                    TRAIN.formatted("sixty"),
                    TRAIN.formatted("SIXTY").replace(" the ", "  the "),
                    PROOF,
                    TRAIN.formatted("ninety")));
    JobRun run =
        JobRun.of(
            "duplicates",
            "--input=" + in,
            "--id-column=key",
            "--prompt-column=question",
            "--similarity=0.7");
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output().lines())
        .hasSize(5)
        .startsWith(
            "3 pairs of prompts are 70 % alike or more; 3 of the 5 rows of " + in + " are in one.",
            "  key_a  key_b  similarity",
            "  a          b       1.000");
  }

  @Test
  void conversationsAreComparedAndWrittenAsATableThatMustBeNew() {
    StringBuilder lines = new StringBuilder();
    for (String speed : List.of("sixty", "sixty", "eighty")) {
      lines.append(
          "{\"messages\": [{\"role\": \"user\", \"content\": \"%s\"}], \"n\": \"%s\"}\n"
              .formatted(TRAIN.formatted(speed), lines.length()));
    }
    Path in = JobRun.file(folder, "in.jsonl", lines.toString());
    Path to = folder.resolve("pairs");
    String[] command = {"duplicates", "--input=" + in, "--to=" + to, "--to-format=parquet"};
    JobRun run = JobRun.of(command);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output().lines()).hasSize(2).endsWith("Pairs: " + to);
    assertThat(
            JobRun.spark()
                .read()
                .parquet(to.toString())
                .selectExpr("count(*)", "max(similarity)", "count_if(key_a < key_b)")
                .head()
                .mkString(" "))
        .isEqualTo("3 1.0 3");
    JobRun again = JobRun.of(command);
    assertThat(again.exitCode()).isEqualTo(2);
    assertThat(again.output().strip())
        .isEqualTo("tracemill: --to is " + to + "; it must be a folder that does not exist yet.");
  }

  @Test
  void anInputWithoutDuplicatesSaysSo() {
    Path in = JobRun.file(folder, "in.txt", PROOF + "\n" + TRAIN + "\n");
    JobRun run = JobRun.of("duplicates", "--input=" + in);
    assertThat(run.exitCode()).as(run.output()).isZero();
    assertThat(run.output().strip())
        .isEqualTo(
            "0 pairs of prompts are 80 % alike or more; 0 of the 2 rows of " + in + " are in one.");
  }
}
