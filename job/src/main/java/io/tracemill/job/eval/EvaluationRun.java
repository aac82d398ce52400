package io.tracemill.job.eval;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.trim;

import io.tracemill.job.error.EvalErrors;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.EvaluationTable;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.udf.EngineOpener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.SparkSession;

/** One evaluation: checks, generates what is missing, aggregates. */
public final class EvaluationRun {
  private final SparkSession spark;
  private final EvalArguments arguments;
  private final EngineOpener opener;
  private final Console console;

  /**
   * An evaluation that has not begun.
   *
   * @param opener opens the engine of each executor
   */
  public EvaluationRun(
      SparkSession spark, EvalArguments arguments, EngineOpener opener, Console console) {
    this.spark = spark;
    this.arguments = arguments;
    this.opener = opener;
    this.console = console;
  }

  /**
   * Runs to the end: generates what is missing, writes the table {@code evaluation}, prints it.
   * What an earlier call with the same or another grid has generated stays and is not generated
   * again.
   *
   * @throws io.tracemill.job.error.JobException where it cannot start or does not finish
   */
  public void run() {
    requireAnswers();
    generate();
    OutputTables tables = arguments.job().output();
    List<CellResult> cells =
        Evaluation.of(tables.readTraces(spark), arguments.grid(), arguments.answerColumn());
    EvaluationTable.write(spark, tables.folder(), tables.format().label(), cells);
    ResultTable table = new ResultTable(cells);
    table.lines().forEach(console::print);
    arguments.markdown().ifPresent(file -> write(file, table.markdown()));
    console.print("  evaluation  " + EvaluationTable.path(tables.folder()));
    console.print("  traces      " + tables.traces());
  }

  private void generate() {
    List<JobArguments> runs = arguments.runs();
    for (int i = 0; i < runs.size(); i++) {
      if (runs.size() > 1) {
        console.print(
            "Cell %d of %d: %s"
                .formatted(i + 1, runs.size(), arguments.grid().cells().get(i).name()));
      }
      new ReasoningRun(spark, runs.get(i), opener, console).run();
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw EvalErrors.unwritableMarkdown(file.toString(), e);
    }
  }

  /** Refuses a table without answers before anything is generated for it. */
  private void requireAnswers() {
    String path = arguments.job().input().path();
    String column = arguments.answerColumn();
    InputTable table = InputReader.read(spark, arguments.job().input().withoutVariants());
    List<String> carried =
        table.carried().map(type -> Arrays.asList(type.fieldNames())).orElse(List.of());
    if (!carried.contains(column)) {
      throw EvalErrors.noAnswerColumn(column, path, carried);
    }
    Column answer = col(InputTable.INPUT).getField(column).cast("string");
    if (table.rows().agg(count_if(length(trim(answer)).gt(0))).head().getLong(0) == 0) {
      throw EvalErrors.noAnswers(column, path);
    }
  }
}
