package io.tracemill.udf.ml;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.ml.length.LongestFirst;
import io.tracemill.udf.ml.length.RunForecast;
import io.tracemill.udf.ml.length.TraceLengthEstimator;
import io.tracemill.udf.ml.length.TraceLengthModel;
import io.tracemill.udf.ml.score.KvRowsPerCorrectAnswerEvaluator;
import io.tracemill.udf.ml.similar.NearDuplicates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.tuning.CrossValidator;
import org.apache.spark.ml.tuning.CrossValidatorModel;
import org.apache.spark.ml.tuning.ParamGridBuilder;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java of {@code docs/mllib.md}, run; and a check that the page holds what is run. */
@Tag("model")
class TestMllibPage {
  private static final Path PAGE = Path.of("../docs/mllib.md");
  private static final Path SELF = Path.of("src/test/java/io/tracemill/udf/ml/TestMllibPage.java");

  private final SparkSession spark = MlSession.get();

  @TempDir private Path temporary;

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Test
  void everySnippetOfThePageIsRunHere() throws IOException {
    String self = squeezed(Files.readString(SELF));
    Matcher snippets =
        Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(PAGE));
    int found = 0;
    while (snippets.find()) {
      assertThat(self).contains(squeezed(snippets.group(1)));
      found++;
    }
    assertThat(found).isEqualTo(5);
  }

  private static String squeezed(String code) {
    return code.replaceAll("\\s+", "");
  }

  @Test
  void generatingSavingAndTuning() throws Exception {
    Dataset<Row> prompts =
        spark.read().json("../demo/prompts.jsonl").filter("steps = 2").limit(8).cache();
    String model = Path.of("../demo/model").toAbsolutePath().normalize().toString();
    String folder = temporary.toString();

    ReasoningTransformer generate =
        new ReasoningTransformer()
            .setModel(model)
            .setKeyCol("id")
            .setKvInterval(64)
            .setKvWindow(16)
            .setKvRatio(4)
            .setTemperature(0)
            .setMaxNewTokens(60)
            .setSlots(4)
            .setPartitions(2);
    Dataset<Row> traces = generate.transform(prompts).cache();
    traces.select("id", "generation.extracted_answer", "generation.kv_saved_ratio").show();

    assertThat(traces.filter("generation.status = 'ok'").count()).isEqualTo(8);

    PipelineModel pipeline = new Pipeline().setStages(new PipelineStage[] {generate}).fit(prompts);
    pipeline.write().overwrite().save(folder + "/pipeline");
    PipelineModel.load(folder + "/pipeline").transform(prompts).count();

    generate.setMaxNewTokens(400);
    ParamMap[] grid =
        new ParamGridBuilder()
            .addGrid(generate.kvRatio(), new int[] {2, 4})
            .addGrid(generate.temperature(), new double[] {0})
            .build();
    CrossValidatorModel tuned =
        new CrossValidator()
            .setEstimator(new Pipeline().setStages(new PipelineStage[] {generate}))
            .setEvaluator(new KvRowsPerCorrectAnswerEvaluator().setLabelCol("answer"))
            .setEstimatorParamMaps(grid)
            .setNumFolds(2)
            .fit(prompts);
    double[] rowsForAnAnswer = tuned.avgMetrics();

    assertThat(rowsForAnAnswer).hasSize(2);
    assertThat(rowsForAnAnswer[0]).as("rows for an answer").isPositive();
  }

  @Test
  void lengthsAndDuplicates() throws Exception {
    String folder = temporary.toString();
    Dataset<Row> table = spark.read().json("src/test/resources/lengths/demo-traces.jsonl");

    TraceLengthModel lengths =
        new TraceLengthEstimator().setLearners(new String[] {"linear"}).fit(table);
    lengths.write().overwrite().save(folder + "/length-model");
    lengths.scores().forEach(score -> System.out.println(score));
    double q90 =
        TraceLengthModel.load(folder + "/length-model")
            .predict("Compute 17 + (4 * 5).")
            .quantile(0.9);
    RunForecast forecast = RunForecast.of(lengths, table, "prompt", 3000);
    RunForecast.Steps steps = forecast.steps(32, RunForecast.Order.AS_DEALT);
    Dataset<Row> dealt = LongestFirst.of(lengths, table, "prompt", "row_key").deal(table, 8, 4);

    assertThat(q90).isBetween(100.0, 1000.0);
    assertThat(steps.low()).isLessThan(steps.high());
    assertThat(dealt.javaRDD().getNumPartitions()).isEqualTo(8);

    List<Row> first = spark.read().json("../demo/prompts.jsonl").limit(20).collectAsList();
    Dataset<Row> prompts = spark.createDataFrame(first, first.get(0).schema());
    Dataset<Row> pairs = NearDuplicates.of("id", "prompt").withSimilarity(0.7).pairs(prompts);

    assertThat(pairs.columns()).containsExactly("key_a", "key_b", "similarity");
  }
}
