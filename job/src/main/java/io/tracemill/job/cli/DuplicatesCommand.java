package io.tracemill.job.cli;

import static org.apache.spark.sql.functions.col;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.preflight.EarlyChecks;
import io.tracemill.job.progress.Console;
import io.tracemill.job.progress.SummaryTable;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.ml.similar.NearDuplicates;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Finds prompts of an input that are nearly the same. */
@Command(
    name = "duplicates",
    sortOptions = false,
    description =
        "Finds pairs of prompts that share most of their runs of five characters, case and white"
            + " space aside, before anything is generated for them.")
final class DuplicatesCommand implements Callable<Integer> {
  private static final int SHOWN_PAIRS = 20;
  private static final String KEY = "key";
  private static final String TEXT = "text";

  @ParentCommand private TracemillCommand parent;
  @Mixin private InputOptions input = new InputOptions();

  @Option(
      names = "--similarity",
      paramLabel = "SHARE",
      description = "Least share of both prompts' shingles that both have. Default: 0.8.")
  private double similarity = 0.8;

  @Option(
      names = "--to",
      paramLabel = "PATH",
      description =
          "Folder of a new table of all pairs: key_a, key_b, similarity. Default: the most alike are"
              + " printed and nothing is written.")
  private String to = "";

  @Option(
      names = "--to-format",
      paramLabel = "FORMAT",
      description = "Of that table: delta or parquet. Default: delta.")
  private String toFormat = "delta";

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  @Override
  public Integer call() {
    if (!(similarity > 0 && similarity < 1)) {
      throw JobErrors.outOfRange("--similarity", similarity, "above 0 and below 1");
    }
    OutputFormat format = Choices.of("--to-format", toFormat, OutputFormat.class);
    InputArguments arguments = input.arguments();
    EarlyChecks.input(arguments);
    Console console = parent.launcher().console();
    SparkSession spark = SparkSessions.open(new SparkConf(), console::print);
    requireNew(spark);
    InputTable table = InputReader.read(spark, arguments);
    Dataset<Row> pairs =
        NearDuplicates.of(KEY, TEXT)
            .withSimilarity(similarity)
            .pairs(
                table
                    .rows()
                    .select(col(InputTable.ROW_KEY).as(KEY), reader(table).textColumn().as(TEXT)))
            // Counted, and shown or written.
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      report(console, table, arguments.path(), pairs);
      if (!to.isEmpty()) {
        pairs.write().format(format.label()).save(to);
        console.print("Pairs: " + to);
      }
    } finally {
      pairs.unpersist();
    }
    return 0;
  }

  private void requireNew(SparkSession spark) {
    if (to.isEmpty()) {
      return;
    }
    try {
      Path folder = new Path(to);
      FileSystem files = folder.getFileSystem(spark.sparkContext().hadoopConfiguration());
      if (files.exists(folder)) {
        throw JobErrors.outOfRange("--to", to, "a folder that does not exist yet");
      }
    } catch (java.io.IOException | IllegalArgumentException e) {
      throw TableErrors.unwritableReport(to, e);
    }
  }

  /** Only its texts are asked for: how they would be generated does not matter. */
  private static PromptReader reader(InputTable table) {
    return new PromptReader(
        table.form(),
        new SamplingOptions().settings(SamplingParams.greedy(1), Optional.empty(), KvOptions.FULL),
        Map.of(),
        0);
  }

  private void report(Console console, InputTable table, String path, Dataset<Row> pairs) {
    long found = pairs.count();
    long prompts = pairs.select(col("key_a")).union(pairs.select(col("key_b"))).distinct().count();
    console.print(
        String.format(
            Locale.ROOT,
            "%,d pairs of prompts are %.0f %% alike or more; %,d of the %,d rows of %s are in one.",
            found,
            100 * similarity,
            prompts,
            table.numRows(),
            path));
    if (found == 0 || !to.isEmpty()) {
      return;
    }
    List<Row> most =
        pairs
            .orderBy(col("similarity").desc(), col("key_a"), col("key_b"))
            .limit(SHOWN_PAIRS)
            .collectAsList();
    SummaryTable shown = new SummaryTable().row("key_a", "key_b", "similarity");
    for (Row pair : most) {
      shown.row(
          pair.getString(0),
          pair.getString(1),
          String.format(Locale.ROOT, "%.3f", pair.getDouble(2)));
    }
    shown.lines().forEach(console::print);
    if (found > most.size()) {
      console.print("  ... more pairs; see --to");
    }
  }
}
