package io.tracemill.job.eval;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.trim;

import io.tracemill.job.error.EvalErrors;
import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.eval.result.CellResult;
import io.tracemill.job.eval.result.EvaluationTable;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.VariantRows;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.JobArguments;
import io.tracemill.job.run.ReasoningRun;
import io.tracemill.udf.EngineOpener;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
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
    Dataset<Row> problems = problems();
    generate();
    OutputTables tables = arguments.job().output();
    requireTraces(tables);
    List<CellResult> cells =
        Evaluation.of(
            asked(tables.readTraces(spark), problems), arguments.grid(), arguments.answerColumn());
    if (cells.isEmpty()) {
      throw EvalErrors.nothingGenerated(tables.folder());
    }
    EvaluationTable.write(spark, tables.folder(), tables.format().label(), cells);
    ResultTable table = new ResultTable(cells);
    table.lines().forEach(console::print);
    arguments.markdown().ifPresent(file -> write(file, table.markdown()));
    console.print("  evaluation  " + EvaluationTable.path(tables.folder()));
    console.print("  traces      " + tables.traces());
  }

  private void requireTraces(OutputTables tables) {
    try {
      Path traces = new Path(tables.traces());
      if (!traces.getFileSystem(spark.sparkContext().hadoopConfiguration()).exists(traces)) {
        throw EvalErrors.nothingGenerated(tables.folder());
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(tables.folder(), e);
    }
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

  private static void write(java.nio.file.Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw EvalErrors.unwritableMarkdown(file.toString(), e);
    }
  }

  /** Traces of problems that the input has now; an earlier one may have had others. */
  private static Dataset<Row> asked(Dataset<Row> traces, Dataset<Row> problems) {
    Dataset<Row> keys = problems.select(col(InputTable.ROW_KEY).as("asked_key"));
    return traces.join(
        keys, col("input").getField(VariantRows.ROW).equalTo(col("asked_key")), "left_semi");
  }

  /**
   * The input's rows with an answer.
   *
   * @throws io.tracemill.job.error.JobException where there is none; nothing was generated
   */
  private Dataset<Row> problems() {
    String path = arguments.job().input().path();
    String column = arguments.answerColumn();
    InputTable table = InputReader.read(spark, arguments.job().input().withoutVariants());
    List<String> carried =
        table.carried().map(type -> Arrays.asList(type.fieldNames())).orElse(List.of());
    if (!carried.contains(column)) {
      throw EvalErrors.noAnswerColumn(column, path, carried);
    }
    Column answer = col(InputTable.INPUT).getField(column).cast("string");
    Dataset<Row> answered = table.rows().filter(length(trim(answer)).gt(0));
    if (answered.isEmpty()) {
      throw EvalErrors.noAnswers(column, path);
    }
    return answered;
  }
}
