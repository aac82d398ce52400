package io.tracemill.udf.ml;

import static org.apache.spark.sql.functions.col;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.FakeEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.spark.ml.Pipeline;
import org.apache.spark.ml.PipelineModel;
import org.apache.spark.ml.PipelineStage;
import org.apache.spark.ml.feature.SQLTransformer;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestReasoningTransformer {
  private final SparkSession spark = MlSession.get();

  @TempDir private Path folder;

  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
  }

  @Test
  void everyRowComesBackWithItsColumnsAndAStructOfResults() {
    Dataset<Row> out = fake().setKeyCol("id").transform(numbers(40));
    assertThat(out.schema().fieldNames()).containsExactly("id", "prompt", "generation");
    List<Row> rows =
        out.select("id", "prompt", "generation.*")
            .select("id", "row_key", "status", "trace", "extracted_answer", "generated_tokens")
            .collectAsList();
    assertThat(rows).hasSize(40);
    for (Row row : rows) {
      assertThat(row.getString(1)).isEqualTo(Long.toString(row.getLong(0)));
      assertThat(row.getString(2)).isEqualTo("ok");
      assertThat(row.getString(3)).contains("about question " + row.getLong(0));
      assertThat(row.getString(3)).contains(row.getString(4));
      assertThat(row.getInt(5)).isPositive();
    }
  }

  @Test
  void nothingIsOpenedOrReadUntilAnActionRuns() {
    int before = FakeEngine.OPENED.get();
    ReasoningTransformer transformer = fake();
    transformer.transformSchema(numbers(3).schema());
    Dataset<Row> lazy = transformer.transform(numbers(3));
    assertThat(FakeEngine.OPENED).hasValue(before);
    assertThat(lazy.count()).isEqualTo(3);
  }

  @Test
  void aRowThatCannotRunIsARowWithAnError() {
    Dataset<Row> prompts =
        spark.sql(
            "SELECT * FROM VALUES ('a', 'fine'), ('b', NULL), ('c', ''), ('d', '  '), (NULL, 'x')"
                + " AS t(id, prompt)");
    List<String> errors =
        fake()
            .setKeyCol("id")
            .transform(prompts)
            .orderBy(col("id").asc_nulls_last())
            .select("generation.error_message")
            .as(Encoders.STRING())
            .collectAsList();
    assertThat(errors)
        .containsExactly(
            null,
            "The prompt is null.",
            "The prompt is empty.",
            "The prompt holds nothing but white space.",
            "The row's key (column 'id') is null.");
  }

  @Test
  void conversationsAreStructsOrMaps() {
    Dataset<Row> prompts =
        spark.sql(
            "SELECT 1 AS id, array(named_struct('role', 'user', 'content', 'hi')) AS turns"
                + " UNION ALL SELECT 2, array(named_struct('role', 'user', 'content', NULL))");
    ReasoningTransformer transformer = fake().setMessagesCol("turns").setKeyCol("id");
    List<Row> rows =
        transformer
            .transform(prompts)
            .orderBy("id")
            .select("generation.trace", "generation.error_message")
            .collectAsList();
    assertThat(rows.get(0).getString(0)).contains("role=user", "content=hi");
    assertThat(rows.get(1).getString(1)).isEqualTo("Message 1 has no content.");

    Dataset<Row> maps = spark.sql("SELECT array(map('role', 'user', 'content', 'hi')) AS turns");
    assertThat(
            transformer.copy(ParamMap.empty()).setKeyCol("turns").usingEngines(FakeEngine.fast()))
        .satisfies(
            bad ->
                assertThatThrownBy(() -> bad.transform(maps))
                    .hasMessage(
                        "keyCol is 'turns', of the type ARRAY<MAP<STRING, STRING>>; it must be a"
                            + " text or a whole number."));
    ReasoningTransformer unnamed = fake().setMessagesCol("turns");
    assertThat(unnamed.transform(maps).select("generation.trace").head().getString(0))
        .contains("role=user", "content=hi");
  }

  @Test
  void samplesBecomeRowsAndTheSamePromptTwiceIsAnsweredTwice() {
    Dataset<Row> twice = numbers(5).union(numbers(5)).coalesce(1).drop("id");
    List<Row> rows =
        fake()
            .setSamples(3)
            .transform(twice)
            .groupBy("prompt", "generation.sample_index")
            .agg(
                org.apache.spark.sql.functions.count("*"),
                org.apache.spark.sql.functions.countDistinct("generation.trace"))
            .collectAsList();
    assertThat(rows).hasSize(15);
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.getLong(2)).isEqualTo(2);
              assertThat(row.getLong(3)).isEqualTo(1);
            });
  }

  @Test
  void aWrongColumnIsOneSentence() {
    assertThatThrownBy(() -> fake().setPromptCol("question").transformSchema(numbers(1).schema()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("promptCol is 'question', which the rows do not have; they have id, prompt.");
    assertThatThrownBy(() -> fake().setPromptCol("id").transformSchema(numbers(1).schema()))
        .hasMessage("promptCol is 'id', of the type BIGINT; it must be a text.");
    assertThatThrownBy(() -> fake().setMessagesCol("prompt").transformSchema(numbers(1).schema()))
        .hasMessage(
            "messagesCol is 'prompt', of the type STRING; it must be an array of structs or maps"
                + " with role and content.");
    assertThatThrownBy(() -> fake().setOutputCol("id").transformSchema(numbers(1).schema()))
        .hasMessage("The rows have a column 'id' already; name another with setOutputCol.");
    assertThatThrownBy(() -> new ReasoningTransformer().transform(numbers(1)))
        .hasMessage("ReasoningTransformer has no model; name a checkpoint's folder with setModel.");
    assertThatThrownBy(
            () -> new ReasoningTransformer().setModel("/no/such/model").transform(numbers(1)))
        .isInstanceOf(ReasoningException.class)
        .hasMessage(
            "The model /no/such/model is no folder on the driver; give one that is the same on"
                + " every host, or a URI.");
    assertThatThrownBy(() -> fake().setPromptCol("a").setMessagesCol("b").transform(numbers(1)))
        .hasMessage("promptCol 'a' and messagesCol 'b' are both set; a row asks with one of them.");
  }

  @Test
  void everyParamIsSavedAndLoaded() throws Exception {
    ReasoningTransformer saved = new ReasoningTransformer();
    int changed = 0;
    for (Param<?> param : saved.params()) {
      Object value = otherValue(param);
      saved.set(param.name(), value);
      changed++;
    }
    assertThat(changed).isGreaterThan(30);
    String path = folder.resolve("stage").toString();
    saved.write().overwrite().save(path);
    ReasoningTransformer loaded = ReasoningTransformer.load(path);
    assertThat(loaded.uid()).isEqualTo(saved.uid());
    for (Param<?> param : saved.params()) {
      assertThat(loaded.getOrDefault(loaded.getParam(param.name())))
          .as(param.name())
          .isEqualTo(saved.getOrDefault(saved.getParam(param.name())));
    }
  }

  /** A value that differs from the default. */
  private static Object otherValue(Param<?> param) {
    return switch (param.name()) {
      case "weights" -> "dummy";
      case "kvElement" -> "bf16";
      case "admission" -> "reserve-peak";
      case "specialTokens" -> "parsed";
      case "deviceSharing" -> "allow";
      case "kvMemoryFraction", "temperature", "topP", "minP" -> 0.25;
      case "repetitionPenalty" -> 1.5;
      case "kvCacheBytes", "seed" -> 77L;
      case "stop", "kvOptions" -> new String[] {"pooling-kernel=5"};
      default ->
          param instanceof org.apache.spark.ml.param.IntParam ? (Object) 7 : "x " + param.name();
    };
  }

  @Test
  void aPipelineWithOtherStagesIsSavedLoadedAndGivesTheSameRows() throws Exception {
    SQLTransformer ask =
        new SQLTransformer()
            .setStatement("SELECT id, concat('Say ', prompt) AS asked FROM __THIS__");
    ReasoningTransformer generate =
        fake().setPromptCol("asked").setOutputCol("out").setKeyCol("id");
    PipelineModel model =
        new Pipeline().setStages(new PipelineStage[] {ask, generate}).fit(numbers(1));
    String path = folder.resolve("pipeline").toString();
    model.write().overwrite().save(path);
    PipelineModel loaded = PipelineModel.load(path);
    // Which engine runs is no part of what is saved.
    ((ReasoningTransformer) loaded.stages()[1]).usingEngines(FakeEngine.fast());
    assertThat(traces(loaded)).isEqualTo(traces(model)).hasSize(20);
  }

  private List<String> traces(PipelineModel model) {
    return model
        .transform(numbers(20))
        .orderBy("id")
        .select("out.trace")
        .as(Encoders.STRING())
        .collectAsList();
  }

  @Test
  void aCancelledQueryWithdrawsItsRows() throws Exception {
    int before = FakeEngine.WITHDRAWN.get();
    Dataset<Row> slow =
        fake().usingEngines(new FakeEngine.Opener(20, 100_000, 0, "")).transform(numbers(50));
    ExecutorService query = Executors.newSingleThreadExecutor();
    try {
      Future<?> running =
          query.submit(
              () -> {
                spark.sparkContext().setJobGroup("slow", "to be cancelled", false);
                return slow.collectAsList();
              });
      waitUntil(() -> FakeEngine.insideNewest() > 0);
      spark.sparkContext().cancelJobGroup("slow");
      assertThatThrownBy(running::get).hasMessageContaining("cancel");
      waitUntil(() -> FakeEngine.insideNewest() == 0);
      assertThat(FakeEngine.WITHDRAWN.get()).isGreaterThan(before);
    } finally {
      query.shutdownNow();
    }
  }

  private static void waitUntil(java.util.function.BooleanSupplier condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("waited for 20 s").isLessThan(end);
      Thread.sleep(20);
    }
  }

  @Test
  void aGridOverThePolicySharesOneEngineWhereTheRingIsDeepEnough() {
    int before = GradedEngine.OPENED.get();
    for (int window : new int[] {16, 32, 64}) {
      graded().setQueryRingTokens(64).setKvWindow(window).transform(numbers(2, "%d")).count();
    }
    graded().setQueryRingTokens(64).setKvPolicy("full").transform(numbers(2, "%d")).count();
    assertThat(GradedEngine.OPENED.get() - before).isEqualTo(1);
  }

  private static ReasoningTransformer graded() {
    return greedy().usingEngines(GradedEngine.Opener.INSTANCE);
  }

  private static ReasoningTransformer fake() {
    return greedy().usingEngines(FakeEngine.fast());
  }

  private static ReasoningTransformer greedy() {
    return new ReasoningTransformer()
        .setModel("/no/model")
        .setTemperature(0)
        .setTopP(1)
        .setTopK(0)
        .setMinP(0)
        .setRepetitionPenalty(1)
        .setSlots(8);
  }

  private Dataset<Row> numbers(int rows) {
    return numbers(rows, "question %d");
  }

  private Dataset<Row> numbers(int rows, String form) {
    return spark.range(rows).selectExpr("id", "format_string('" + form + "', id) AS prompt");
  }
}
