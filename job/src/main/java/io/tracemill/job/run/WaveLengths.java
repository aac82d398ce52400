package io.tracemill.job.run;

import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.length.OpenLengthModel;
import io.tracemill.job.output.Wave;
import io.tracemill.job.progress.StepForecast;
import io.tracemill.job.wave.DealtWaves;
import io.tracemill.udf.RowDealer;
import io.tracemill.udf.ml.length.LongestFirst;
import io.tracemill.udf.ml.length.RunForecast;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/**
 * What predicted lengths decide in a run: the order of a wave's rows, and the time to go. Which
 * wave a row is in they do not decide, so that a run can be gone on with by another model or by
 * none.
 *
 * @param lengths the model
 * @param reader tells a row's prompt
 * @param budgetTokens of the run
 */
record WaveLengths(OpenLengthModel lengths, PromptReader reader, int budgetTokens) {

  /** Longest first, where the model tells rows apart. */
  RowDealer dealer() {
    return lengths.predictor().tellsPromptsApart()
        ? new LongestFirst(
            lengths.predictor(), reader.textColumn(), functions.col(InputTable.ROW_KEY))
        : RowDealer.EVENLY;
  }

  private RunForecast.Order order() {
    return lengths.predictor().tellsPromptsApart()
        ? RunForecast.Order.LONGEST_FIRST
        : RunForecast.Order.AS_DEALT;
  }

  /**
   * Predicts the rows of the first waves, which stand for all: a hash has dealt them.
   *
   * @param results result rows of all waves
   */
  Optional<StepForecast> forecast(DealtWaves waves, long results) {
    Column prompt = reader.textColumn();
    Dataset<Row> sample = null;
    long sampled = 0;
    for (Wave wave : waves.waves()) {
      if (sampled >= RunForecast.MOST_ROWS_DRAWN) {
        break;
      }
      Dataset<Row> rows = waves.rows().apply(wave).select(prompt.as("prompt"));
      sample = sample == null ? rows : sample.union(rows);
      sampled += wave.rows();
    }
    if (sample == null) {
      return Optional.empty();
    }
    RunForecast forecast =
        RunForecast.ofSample(
            lengths.model(), sample, functions.col("prompt"), results, budgetTokens);
    long waveRows = Math.max(1, results / waves.waves().size());
    return Optional.of(new StepForecast(forecast, order(), waveRows));
  }
}
