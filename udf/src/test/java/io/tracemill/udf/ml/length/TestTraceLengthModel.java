package io.tracemill.udf.ml.length;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.udf.ml.MlSession;
import io.tracemill.udf.ml.length.DemoLengths.Length;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestTraceLengthModel {
  private static final int BUDGET = 1500;
  private static final List<Length> LENGTHS = DemoLengths.all();

  private final SparkSession spark = MlSession.get();

  @TempDir private Path folder;

  @Test
  void aModelOfTheDemosTracesBeatsTheSamePredictionForAllAndIsSavedWithItsComparison()
      throws Exception {
    Dataset<Row> table = DemoLengths.table(spark, LENGTHS, 3000);
    // The others take their time; they have tests of their own.
    TraceLengthModel model =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).fit(table);
    assertThat(model.scores()).extracting(LengthScore::learner).containsExactly("none", "linear");
    LengthScore none = model.scores().get(0);
    LengthScore best =
        model.scores().stream()
            .filter(score -> score.learner().equals(model.getOrDefault(model.learner())))
            .findFirst()
            .orElseThrow();
    assertThat(best.loss()).isLessThan(none.loss() / 2);
    assertThat(best.below10()).isCloseTo(0.1, within(0.05));
    assertThat(best.below50()).isCloseTo(0.5, within(0.08));
    assertThat(best.below90()).isCloseTo(0.9, within(0.05));
    assertThat((Double) model.getOrDefault(model.totalError())).isBetween(0.001, 0.15);
    assertThat(model.getOrDefault(model.languageModel())).isEmpty();

    String path = folder.resolve("length-model").toString();
    model.write().overwrite().save(path);
    TraceLengthModel loaded = TraceLengthModel.load(path);
    assertThat(loaded.scores()).isEqualTo(model.scores());
    String prompt = "What is (3 + 4) * 5?";
    assertThat(loaded.predict(prompt).quantile(0.9)).isEqualTo(model.predict(prompt).quantile(0.9));
    assertThat(loaded.transform(table).select("predicted_tokens").collectAsList())
        .isEqualTo(model.transform(table).select("predicted_tokens").collectAsList());
    String again = folder.resolve("pipeline").toString();
    PipelineModel pipeline = new Pipeline().setStages(new PipelineStage[] {loaded}).fit(table);
    pipeline.write().overwrite().save(again);
    assertThat(PipelineModel.load(again).transform(table).columns()).contains("predicted_tokens");
  }

  @Test
  void truncatedTracesCountAsLongerThanTheyAre() {
    int truncated = (int) LENGTHS.stream().filter(each -> each.tokens() > BUDGET).count();
    assertThat(truncated).isGreaterThan(60);
    TraceLengthModel model =
        new TraceLengthEstimator()
            .setLearners(new String[] {"aft"})
            .setFolds(2)
            .fit(DemoLengths.table(spark, LENGTHS, BUDGET));
    List<Length> cut = LENGTHS.stream().filter(each -> each.tokens() > BUDGET).toList();
    double truth = cut.stream().mapToInt(Length::tokens).average().orElseThrow();
    double predicted =
        cut.stream()
            .mapToDouble(each -> model.predict(each.prompt()).meanTokens())
            .average()
            .orElseThrow();
    assertThat(predicted).as("true mean %s", truth).isGreaterThan(BUDGET);
    assertThat(predicted / truth).isBetween(0.75, 1.35);
  }

  @Test
  void treesCompeteAndPromptsThatSayNothingLeaveNoModel() {
    List<Length> some = LENGTHS.subList(0, 40);
    TraceLengthModel trees =
        new TraceLengthEstimator()
            .setLearners(new String[] {"gbt"})
            .setFolds(2)
            .fit(DemoLengths.table(spark, some, 3000));
    assertThat(trees.getOrDefault(trees.learner())).isEqualTo("gbt");

    List<Integer> shuffled = new ArrayList<>(LENGTHS.stream().map(Length::tokens).toList());
    List<Length> nonsense =
        IntStream.range(0, 200)
            .mapToObj(
                i ->
                    new Length(
                        "k" + i,
                        "x".repeat(1 + i % 7) + " " + Integer.toHexString(i * 7919),
                        shuffled.get((i * 37) % 200)))
            .toList();
    TraceLengthModel none =
        new TraceLengthEstimator()
            .setLearners(new String[] {"linear"})
            .fit(DemoLengths.table(spark, nonsense, 3000));
    double spread =
        none.predict("x").meanTokens() / none.predict("Evaluate everything at once!").meanTokens();
    assertThat(spread).as("%s", none.scores()).isBetween(0.5, 2.0);
  }

  @Test
  void anEmptyOrPoorTableIsOneSentence() {
    assertThatThrownBy(
            () ->
                new TraceLengthEstimator()
                    .fit(DemoLengths.table(spark, LENGTHS.subList(0, 5), 3000)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("A length model needs at least 20 traces of 10 prompts; the table has 5 of 5.");
    assertThatThrownBy(
            () ->
                new TraceLengthEstimator()
                    .setLearners(new String[] {"oracle"})
                    .fit(DemoLengths.table(spark, LENGTHS, 3000)))
        .hasMessage("learners holds 'oracle'; there are aft, linear, gbt.");
    assertThatThrownBy(
            () -> new TraceLengthModel().transform(DemoLengths.table(spark, LENGTHS, 3000)))
        .hasMessage(
            "This length model is empty; fit a TraceLengthEstimator, or load a saved model.");
  }

  @Test
  void theModelKnowsWhoseTracesTheyWere() throws Exception {
    Dataset<Row> table =
        DemoLengths.table(spark, LENGTHS.subList(0, 60), 3000)
            .withColumn(
                "model_id", functions.expr("if(length(prompt) % 9 = 0, 'old@1', 'demo@2')"));
    TraceLengthModel model =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).setFolds(2).fit(table);
    assertThat(model.getOrDefault(model.languageModel())).isEqualTo("demo@2");
    String path = folder.resolve("told").toString();
    model.write().overwrite().save(path);
    TraceLengthModel loaded = TraceLengthModel.load(path);
    assertThat(loaded.getOrDefault(loaded.languageModel())).isEqualTo("demo@2");
    assertThat(loaded.getOrDefault(loaded.totalError()))
        .isEqualTo(model.getOrDefault(model.totalError()));
  }

  @Test
  void aFewRowsStandForVeryManyInAForecast() {
    Dataset<Row> known = DemoLengths.table(spark, LENGTHS.subList(0, 60), 3000);
    TraceLengthModel model =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).setFolds(2).fit(known);
    List<String> prompts = LENGTHS.subList(0, 60).stream().map(Length::prompt).toList();
    RunForecast few = RunForecast.ofPrompts(model, prompts, 60, 3000);
    RunForecast many = RunForecast.ofPrompts(model, prompts, 6_000_000, 3000);
    assertThat(many.expectedTokens() / few.expectedTokens()).isCloseTo(100_000, within(1.0));
    assertThat(
            many.steps(64, RunForecast.Order.LONGEST_FIRST, 1_024).middle()
                * 64
                / many.expectedTokens())
        .isCloseTo(1, within(0.01));
    assertThatThrownBy(() -> RunForecast.ofPrompts(model, List.of(), 5, 3000))
        .hasMessage("5 rows, 0 predicted");
  }

  @Test
  void rowsAreDealtLikeCardsWithTheLongestFirst() {
    Dataset<Row> table = DemoLengths.table(spark, LENGTHS, 3000);
    TraceLengthModel model =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).fit(table);
    int partitions = 7;
    Dataset<Row> dealt =
        LongestFirst.of(model, table, "prompt", "row_key").deal(table, partitions, partitions);
    assertThat(dealt.columns()).isEqualTo(table.columns());
    List<List<Row>> parts = dealt.javaRDD().glom().collect();
    assertThat(parts).hasSize(partitions);
    List<String> keys = new ArrayList<>();
    List<Double> sums = new ArrayList<>();
    for (List<Row> part : parts) {
      assertThat(part.size()).isBetween(600 / partitions, 600 / partitions + 1);
      List<Double> predicted =
          part.stream().map(row -> model.predict(row.getString(1)).location()).toList();
      assertThat(predicted).isSortedAccordingTo(Collections.reverseOrder());
      part.forEach(row -> keys.add(row.getString(0)));
      sums.add(part.stream().mapToDouble(row -> row.getInt(2)).sum());
    }
    assertThat(keys).doesNotHaveDuplicates().hasSize(600);
    double mean = sums.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    assertThat(sums).allSatisfy(sum -> assertThat(sum / mean).isBetween(0.9, 1.1));

    List<List<Row>> rounds =
        LongestFirst.of(model, table, "prompt", "row_key")
            .deal(table, partitions, 3)
            .javaRDD()
            .glom()
            .collect();
    List<Double> tokens =
        rounds.stream().map(part -> part.stream().mapToDouble(row -> row.getInt(2)).sum()).toList();
    assertThat(tokens.subList(0, 3)).allSatisfy(sum -> assertThat(sum).isGreaterThan(mean));
    assertThat(tokens.subList(3, 7)).allSatisfy(sum -> assertThat(sum).isLessThan(mean));
  }

  @Test
  void everyRankHasAPartitionAndPartitionsAreEqualButForARow() {
    for (int[] each : new int[][] {{600, 7, 3}, {5, 7, 3}, {100, 10, 4}, {1, 1, 1}, {64, 8, 8}}) {
      LongestFirst.Hands hands = new LongestFirst.Hands(each[0], each[1], each[2]);
      int[] sizes = new int[each[1]];
      for (long rank = 0; rank < each[0]; rank++) {
        sizes[hands.partition(rank)]++;
      }
      double even = (double) each[0] / each[1];
      for (int size : sizes) {
        assertThat((double) size).as("%s of %s", size, even).isBetween(even - 3, even + 3);
      }
    }
  }

  @Test
  void aForecastHoldsWhatThenHappens() {
    Dataset<Row> known = DemoLengths.table(spark, LENGTHS.subList(0, 300), 3000);
    List<Length> todo = LENGTHS.subList(300, 600);
    TraceLengthModel model =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).fit(known);
    RunForecast forecast =
        RunForecast.of(model, DemoLengths.table(spark, todo, 3000), "prompt", 3000);
    double truth = todo.stream().mapToInt(Length::tokens).sum();
    assertThat(forecast.rows()).isEqualTo(300);
    assertThat(forecast.expectedTokens() / truth).isBetween(0.85, 1.15);
    RunForecast.Steps one = forecast.steps(1, RunForecast.Order.AS_DEALT);
    assertThat(one.middle() / truth).isBetween(0.85, 1.15);
    RunForecast.Steps many = forecast.steps(300, RunForecast.Order.AS_DEALT);
    double longest = todo.stream().mapToInt(Length::tokens).max().orElseThrow();
    assertThat(many.middle() / longest).isBetween(0.75, 1.4);
    RunForecast.Steps waves = forecast.steps(32, RunForecast.Order.LONGEST_FIRST, 100);
    RunForecast.Steps sorted = forecast.steps(32, RunForecast.Order.LONGEST_FIRST);
    RunForecast.Steps asDealt = forecast.steps(32, RunForecast.Order.AS_DEALT);
    assertThat(sorted.middle()).isLessThan(waves.middle());
    assertThat(waves.middle()).isLessThan(asDealt.middle());
    assertThat(one.minus(100).low()).isLessThan(one.minus(100).high());
    assertThat(one.minus(Long.MAX_VALUE).high()).isZero();
  }
}
