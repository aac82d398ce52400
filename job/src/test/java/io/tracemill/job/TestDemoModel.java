package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.ReasoningEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The real engine and the demo model through Spark. */
@Tag("model")
class TestDemoModel {
  private static final int ROWS = 10;

  @TempDir private Path folder;

  @Test
  void tokensDoNotDependOnPartitionsAndAnswersAreRight() throws IOException {
    Path in = prompts();
    List<String> one = traces(in, "one", "1");
    List<String> eight = traces(in, "eight", "8");
    assertThat(eight).isEqualTo(one);

    Row sums =
        JobRun.traces(folder.resolve("one"))
            .selectExpr(
                "count_if(status = 'ok')",
                "count_if(extracted_answer = input.answer)",
                "sum(compressions)",
                "sum(size(compression_events))",
                "count_if(kv_final_rows < kv_full_rows) = count_if(compressions > 0)",
                "count_if(status = 'error')",
                "min(if(status = 'error', error_class, null))")
            .head();
    assertThat(sums.getLong(0)).as("rows that ran").isEqualTo(ROWS);
    assertThat(sums.getLong(1)).as("right answers").isGreaterThanOrEqualTo(ROWS / 2);
    assertThat(sums.getLong(2)).as("compressions").isPositive().isEqualTo(sums.getLong(3));
    assertThat(sums.getBoolean(4)).as("only compressed rows hold fewer").isTrue();
    assertThat(sums.getLong(5)).as("overlong prompt").isEqualTo(1);
    assertThat(sums.getString(6)).isEqualTo("PROMPT_TOO_LONG");
  }

  /** Short problems, so that a test run stays short, and one prompt beyond the context. */
  private Path prompts() throws IOException {
    List<String> easy =
        Files.readAllLines(Path.of("../demo/prompts.jsonl")).stream()
            .filter(line -> line.matches(".*\"steps\": [23],.*"))
            .limit(ROWS)
            .collect(Collectors.toList());
    assertThat(easy).hasSize(ROWS);
    easy.add("{\"id\": \"long\", \"prompt\": \"" + "12 + ".repeat(2_000) + "1\"}");
    return Files.write(folder.resolve("in.jsonl"), easy);
  }

  private List<String> traces(Path in, String name, String partitions) {
    Path out = folder.resolve(name);
    JobRun run =
        JobRun.with(
            ReasoningEngines.INSTANCE,
            JobRun.arguments(
                in,
                out,
                "--partitions",
                partitions,
                "--temperature",
                "0.6",
                "--seed",
                "7",
                "--slots",
                "4",
                "--kv-memory",
                "64m",
                "--max-context",
                "1500",
                "--max-new-tokens",
                "400",
                "--rpc-interval",
                "128",
                "--rpc-window",
                "32"));
    assertThat(run.exitCode()).as(run.output()).isZero();
    return JobRun.traces(out)
        .selectExpr("concat_ws('|', row_key, finish_reason, generated_tokens, compressions, trace)")
        .as(org.apache.spark.sql.Encoders.STRING())
        .collectAsList()
        .stream()
        .sorted()
        .toList();
  }
}
