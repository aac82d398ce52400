package io.tracemill.job.calibrate;

import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.ChatOptions;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.engine.text.Tokenizer;
import io.tracemill.job.error.InputErrors;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.ClusterShape;
import java.util.List;
import java.util.Locale;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * One calibration: picks texts, deals them out, adds up what the tasks found and writes the file.
 * Sums are exact, so the file is the same to the bit for the same table, model and kind of
 * processor, whatever the number of executors, the order in which tasks end, and retries.
 */
public final class CalibrationRun {
  private final SparkSession spark;
  private final CalibrationArguments arguments;
  private final Console console;

  /** A run that has not begun. */
  public CalibrationRun(SparkSession spark, CalibrationArguments arguments, Console console) {
    this.spark = spark;
    this.arguments = arguments;
    this.console = console;
  }

  /**
   * Runs to the end and prints one line.
   *
   * @throws JobException where it cannot start or does not finish; one sentence says why
   */
  public void run() {
    long start = System.nanoTime();
    String label;
    PickedTexts picked;
    try (Tokenizer tokenizer = Tokenizer.load(arguments.model().path())) {
      TextTable table = table(tokenizer);
      label = table.label();
      picked = PickedTexts.of(table, arguments.tokens(), arguments.collector().maxTokens());
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
    if (picked.tokens() == 0) {
      throw InputErrors.noTexts(
          arguments.input().path(), label, picked.refusal().orElse("there is none"));
    }
    QuerySums sums = collect(picked);
    long bytes =
        arguments
            .target()
            .write(
                sums.calibration(
                    new CalibratedModel(
                        arguments.model().modelId(), arguments.model().contentHash())));
    console.print(
        String.format(
            Locale.ROOT,
            "Calibration of %s over %,d tokens of %,d %s%s in %.1f s: %s (%,d bytes)",
            arguments.model().modelId(),
            sums.tokens(),
            sums.texts(),
            label,
            picked.tokens() < arguments.tokens()
                ? String.format(
                    Locale.ROOT, " (all there are; %,d were asked for)", arguments.tokens())
                : "",
            (System.nanoTime() - start) / 1e9,
            arguments.target().file(),
            bytes));
  }

  /** Traces where there are any: it is the queries of generated tokens that choose rows. */
  private TextTable table(Tokenizer tokenizer) {
    PromptTokenizer prompts =
        PromptTokenizer.load(
            arguments.model().path(),
            tokenizer,
            ChatOptions.DEFAULT,
            PromptTokenizer.SpecialTokensInInput.PLAIN_TEXT);
    return arguments.isRun(spark.sparkContext().hadoopConfiguration())
        ? TraceTexts.open(spark, arguments.input().path(), arguments.model(), prompts)
        : new PromptTexts(spark, arguments.input(), prompts);
  }

  private QuerySums collect(PickedTexts picked) {
    List<List<int[]>> hands = picked.dealt(ClusterShape.of(spark.sparkContext()).parallelism());
    try {
      return JavaSparkContext.fromSparkContext(spark.sparkContext())
          .parallelize(hands, hands.size())
          .mapPartitions(new CollectQueries(arguments.collector()))
          .treeReduce(QuerySums::merge);
    } catch (Exception e) { // Spark declares none, throws several.
      throw JobErrors.failed(e);
    }
  }
}
