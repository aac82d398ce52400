package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.job.eval.result.AgainstFull;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.EvaluationTable;
import io.tracemill.udf.ReasoningEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An evaluation of the demo model with the real engine: budgets that differ in what they need. */
@Tag("model")
class TestEvalModel {
  private static final int PROBLEMS = 6;

  @TempDir private Path folder;

  @Test
  void policiesRunSideBySideAndTheirCountersProveIt() throws IOException {
    List<String> easy =
        Files.readAllLines(Path.of("../demo/eval.jsonl")).stream()
            .filter(line -> line.matches(".*\"steps\": [23],.*"))
            .limit(PROBLEMS)
            .toList();
    assertThat(easy).hasSize(PROBLEMS);
    Path in = Files.write(folder.resolve("in.jsonl"), easy);
    Path out = folder.resolve("out");
    JobRun run =
        JobRun.with(
            ReasoningEngines.INSTANCE,
            "eval",
            "--input",
            in.toString(),
            "--output",
            out.toString(),
            "--model",
            JobRun.MODEL.toString(),
            "--policy",
            "full",
            "--policy",
            "rpc interval=64 window=16 ratio=4",
            "--policy",
            "snapkv rows=96 interval=32 prompt=keep budget=fixed|threshold",
            "--policy",
            "h2o rows=4096",
            "--slots",
            "4",
            "--kv-memory",
            "64m",
            "--max-context",
            "1500",
            "--max-new-tokens",
            "400");
    assertThat(run.exitCode()).as(run.output()).isZero();
    List<CellResult> cells = EvaluationTable.read(JobRun.spark(), out.toString());
    assertThat(cells).hasSize(5).allMatch(cell -> cell.proof().holds());
    CellResult full = cells.get(0);
    assertThat(full.all().right()).isGreaterThanOrEqualTo(PROBLEMS / 2);
    assertThat(full.proof().asPlanned()).isEqualTo(PROBLEMS);

    CellResult rpc = cells.get(1);
    assertThat(rpc.proof().asPlanned()).isEqualTo(PROBLEMS);
    assertThat(rpc.proof().mostCompressions()).isPositive();
    AgainstFull against = rpc.compressed().orElseThrow().againstFull().orElseThrow();
    assertThat(against.kvShrink()).isGreaterThan(1);
    assertThat(cells.get(3).proof().withinBound()).as("threshold").isEqualTo(PROBLEMS);

    CellResult ample = cells.get(4);
    assertThat(ample.proof().neverCompressed()).isEqualTo(PROBLEMS);
    assertThat(ample.proof().sameAsFull()).isEqualTo(PROBLEMS);
    assertThat(ample.compressed()).isEmpty();
    assertThat(ample.all().accuracy()).isEqualTo(full.all().accuracy());

    Path page = folder.resolve("report.html");
    JobRun report = JobRun.of("report", "--output", out.toString(), "--to", page.toString());
    assertThat(report.exitCode()).as(report.output()).isZero();
    assertThat(Files.readString(page))
        .contains("Evaluation of 5 cells")
        .contains("id=\"frontier\"")
        .contains("rpc interval=64 window=16 ratio=4");
  }
}
