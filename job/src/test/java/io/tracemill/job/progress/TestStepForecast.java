package io.tracemill.job.progress;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.job.JobRun;
import io.tracemill.udf.ml.length.RunForecast;
import io.tracemill.udf.ml.length.TraceLengthEstimator;
import io.tracemill.udf.ml.length.TraceLengthModel;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class TestStepForecast {
  private static final StructType TRACES =
      new StructType()
          .add("prompt", "string")
          .add("generated_tokens", "int")
          .add("finish_reason", "string");

  /** All traces have 100 tokens. */
  private static StepForecast hundredTokensEach(long rows) {
    List<Row> traces =
        IntStream.range(0, 30).mapToObj(i -> RowFactory.create("p" + i, 100, "stop")).toList();
    TraceLengthModel model =
        new TraceLengthEstimator()
            .setLearners(new String[0])
            .fit(JobRun.spark().createDataFrame(traces, TRACES));
    RunForecast forecast = RunForecast.ofPrompts(model, List.of("a", "b"), rows, 1_000);
    return new StepForecast(forecast, RunForecast.Order.AS_DEALT, rows);
  }

  @Test
  void whatIsLeftIsTheStepsThatAreLeftAtTheirPaceSoFar() {
    StepForecast forecast = hundredTokensEach(80);
    // 80 rows on 8 lanes: 1,000 steps; 250 of them took 50 seconds.
    Eta quarter = forecast.toGo(Duration.ofSeconds(50), 250, 8).orElseThrow();
    assertThat(quarter.label()).isEqualTo("2:30");
    // Fewer lanes than before are the end of a run, which the steps have in them.
    assertThat(forecast.toGo(Duration.ofSeconds(100), 500, 3).orElseThrow().label())
        .isEqualTo("1:40");
    // More lanes than before need fewer steps.
    assertThat(forecast.toGo(Duration.ofSeconds(50), 250, 16).orElseThrow().label())
        .isEqualTo("0:50");
  }

  @Test
  void beforeTheFirstStepsAndAfterTheLastNothingIsSaid() {
    StepForecast forecast = hundredTokensEach(8);
    assertThat(forecast.toGo(Duration.ofSeconds(1), 5, 8)).isEmpty();
    assertThat(forecast.toGo(Duration.ofSeconds(10), 150, 8)).isEqualTo(Optional.empty());
  }
}
