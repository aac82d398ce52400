package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.report.Report;
import io.tracemill.job.report.data.ReportRequest;
import io.tracemill.job.session.SparkSessions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Writes the report of a run as a page. */
@Command(
    name = "report",
    sortOptions = false,
    description = "Writes one HTML page about a run, or about a run and what it is compared with.")
final class ReportCommand implements Callable<Integer> {
  @ParentCommand private TracemillCommand parent;

  @Option(
      names = {"--output", "--tables"},
      paramLabel = "PATH",
      description =
          "The --output of a run, or a folder of several. With two runs the one with the full cache"
              + " is the baseline, else the older. Default: what the demo wrote.")
  private String output = "";

  @Option(
      names = "--compare",
      paramLabel = "PATH",
      description = "The --output of another run, whose newest run is the baseline.")
  private String compare;

  @Option(
      names = "--runs",
      paramLabel = "A[,B]",
      split = ",",
      description = "Ids of the run and its baseline, or their beginnings.")
  private List<String> runs = new ArrayList<>();

  @Option(
      names = "--gold",
      paramLabel = "COLUMN",
      description =
          "Where the gold answer of a row stands, such as input.solution, or any SQL expression."
              + " Default: input.answer where there is one.")
  private String gold;

  @Option(
      names = "--group-by",
      paramLabel = "COLUMN",
      description = "Shows accuracy apart for each value of a column, such as input.family.")
  private String groupBy;

  @Option(
      names = "--to",
      paramLabel = "FILE",
      description = "Where to write the page. Default: tracemill-report.html.")
  private Path to = Path.of("tracemill-report.html");

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    if (runs.size() > 2) {
      throw JobErrors.outOfRange("--runs", String.join(",", runs), "one or two run ids");
    }
    if (compare != null && !runs.isEmpty()) {
      throw JobErrors.together("--compare", "--runs");
    }
    Launcher launcher = parent.launcher();
    SparkSession spark = SparkSessions.open(new SparkConf(), launcher.console()::print);
    Report.write(spark, request(), to);
    launcher.console().print("Report: " + to.toAbsolutePath().normalize());
    return 0;
  }

  private ReportRequest request() {
    String folder = output;
    Optional<String> baseline = Optional.ofNullable(compare);
    if (folder.isEmpty()) {
      Path demo = DemoHome.find().tables();
      // The demo has three runs: RPC is what it is about, the full cache what that is measured by.
      boolean whole = runs.isEmpty() && compare == null;
      folder = (whole ? DemoCommand.rpc(demo) : demo).toString();
      baseline = whole ? Optional.of(DemoCommand.full(demo).toString()) : baseline;
    }
    return new ReportRequest(
        folder, baseline, runs, Optional.ofNullable(gold), Optional.ofNullable(groupBy));
  }
}
