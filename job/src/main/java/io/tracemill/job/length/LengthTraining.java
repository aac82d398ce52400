package io.tracemill.job.length;

import static org.apache.spark.sql.functions.col;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.error.OutputErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.udf.ml.length.LengthScore;
import io.tracemill.udf.ml.length.TraceLengthEstimator;
import io.tracemill.udf.ml.length.TraceLengthModel;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Fits a length model to the traces of an output.
 *
 * @param model the best learner's, or one prediction for all where none beats that
 * @param path where it was written
 */
public record LengthTraining(TraceLengthModel model, String path) {

  /**
   * Fits and writes, in the place of a model that is there. Traces that are copies of another row's
   * are left out: they tell nothing new.
   *
   * @param traces the traces' table
   * @param output whose {@code length-model} it becomes
   * @throws JobException where there are too few traces, or the model cannot be written
   */
  public static LengthTraining of(SparkSession spark, Dataset<Row> traces, OutputTables output) {
    TraceLengthModel model;
    try {
      model =
          new TraceLengthEstimator()
              .fit(
                  List.of(traces.columns()).contains("copied_from")
                      ? traces.filter(col("copied_from").isNull())
                      : traces);
    } catch (IllegalArgumentException e) {
      throw JobErrors.cannotLearnLengths(output.folder(), e);
    }
    String path = LengthModelChoice.beside(output);
    // Beside it first: a model that a kill left half written would stop the next run.
    String part = path + ".part";
    try {
      FileSystem files = new Path(path).getFileSystem(spark.sparkContext().hadoopConfiguration());
      model.write().overwrite().session(spark).save(part);
      files.delete(new Path(path), true);
      if (!files.rename(new Path(part), new Path(path))) {
        throw new IOException(path + " cannot be written.");
      }
    } catch (IOException e) {
      throw OutputErrors.unwritableOutput(output.folder(), e);
    }
    return new LengthTraining(model, path);
  }

  /** Cells of a table: what each learner lost on prompts that it had not seen. */
  public List<List<String>> table() {
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of("learner", "loss at 10 %", "50 %", "90 %", "mean loss", "less than for all alike"));
    List<LengthScore> scores = model.scores();
    double without = scores.get(0).loss();
    table.add(cells("one prediction for all", scores.get(0), "-"));
    for (LengthScore score : scores.subList(1, scores.size())) {
      double less = 100 * (1 - score.loss() / without);
      table.add(cells(score.learner(), score, String.format(Locale.ROOT, "%.0f %%", less)));
    }
    return table;
  }

  private static List<String> cells(String learner, LengthScore score, String less) {
    return List.of(
        learner,
        number(score.pinball10()),
        number(score.pinball50()),
        number(score.pinball90()),
        number(score.loss()),
        less);
  }

  private static String number(double loss) {
    return String.format(Locale.ROOT, "%.4f", loss);
  }

  /** What came of it, in a sentence. */
  public String verdict() {
    String learner = model.getOrDefault(model.learner());
    return model.learned().tellsPromptsApart()
        ? "Kept: %s; totals of prompts that it had not seen were %.0f %% off."
            .formatted(learner, 100 * (Double) model.getOrDefault(model.totalError()))
        : "Nothing beats one prediction for all: estimates use the lengths seen so far, and rows"
            + " are dealt evenly.";
  }
}
