package io.tracemill.job.cli;

import io.tracemill.job.error.JobException;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.eval.result.EvaluationTable;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.TableViews;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.session.SparkSessions;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Answers a query over the tables of a run. */
@Command(
    name = "sql",
    sortOptions = false,
    description =
        "Answers a query over a run's tables traces and runs, the table evaluation where there is"
            + " one, and the views tm_graded, tm_tails and others over them (docs/views.md).")
final class SqlCommand implements Callable<Integer> {
  private static final int CELL_CHARACTERS = 100;

  @ParentCommand private TracemillCommand parent;

  @Option(
      names = "--tables",
      paramLabel = "DIR",
      description =
          "The --output of a run, or a folder of several, which are taken together. Default: what"
              + " the demo wrote.")
  private String tables = "";

  @Option(names = "--rows", paramLabel = "N", description = "Most rows to print. Default: 100.")
  private int rows = 100;

  @Parameters(paramLabel = "SELECT", description = "The query.")
  private String query;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    Ranges.atLeast("--rows", rows, 1);
    Launcher launcher = parent.launcher();
    SparkSession spark = SparkSessions.open(new SparkConf(), launcher.console()::print);
    String folder = tables.isEmpty() ? DemoHome.find().tables().toString() : tables;
    TableViews.register(spark, folder);
    registerEvaluations(spark, folder);
    try {
      Dataset<Row> answer = spark.sql(query);
      print(answer, launcher.console());
      return 0;
    } catch (JobException e) {
      throw e;
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw TableErrors.badQuery(e);
    }
  }

  private static void registerEvaluations(SparkSession spark, String folder) {
    try {
      EvaluationTable.register(
          spark, TableViews.find(spark, folder).stream().map(OutputTables::folder).toList());
    } catch (IOException e) {
      throw TableErrors.noTables(folder);
    }
  }

  private void print(Dataset<Row> answer, Console console) {
    SummaryTable table = new SummaryTable().row(answer.columns());
    List<Row> found = answer.limit(rows + 1).collectAsList();
    for (Row row : found.subList(0, Math.min(rows, found.size()))) {
      String[] cells = new String[row.size()];
      for (int i = 0; i < cells.length; i++) {
        cells[i] = cell(row.get(i));
      }
      table.row(cells);
    }
    table.lines().forEach(console::print);
    if (found.size() > rows) {
      console.print("  ... more rows; see --rows");
    }
  }

  private static String cell(Object value) {
    String line = String.valueOf(value).replaceAll("\\s+", " ");
    return line.length() <= CELL_CHARACTERS ? line : line.substring(0, CELL_CHARACTERS) + "...";
  }
}
