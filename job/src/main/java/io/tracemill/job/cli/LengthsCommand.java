package io.tracemill.job.cli;

import io.tracemill.job.error.TableErrors;
import io.tracemill.job.length.LengthTraining;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.session.SparkSessions;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Fits a model of trace lengths to what a run has written. */
@Command(
    name = "lengths",
    sortOptions = false,
    description =
        "Learns from a run's traces how long the traces of a prompt get, says how well, and writes"
            + " the model beside them, where the next run finds it.")
final class LengthsCommand implements Callable<Integer> {
  @ParentCommand private TracemillCommand parent;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "The --output folder of a run; its folder length-model is written anew.")
  private String output;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    Console console = parent.launcher().console();
    SparkSession spark = SparkSessions.open(new SparkConf(), console::print);
    // The format does not matter for reading: tables say themselves what they are.
    OutputTables tables = new OutputTables(output, OutputFormat.DELTA);
    LengthTraining trained = LengthTraining.of(spark, traces(spark, tables), tables);
    SummaryTable table = new SummaryTable();
    for (List<String> cells : trained.table()) {
      table.row(cells.toArray(String[]::new));
    }
    table.lines().forEach(console::print);
    console.print(trained.verdict());
    console.print("Length model: " + trained.path());
    return 0;
  }

  private Dataset<Row> traces(SparkSession spark, OutputTables tables) {
    try {
      return tables.readTraces(spark);
    } catch (Exception e) { // Spark's AnalysisException is checked in Scala only.
      throw TableErrors.noTraces(output, e);
    }
  }
}
