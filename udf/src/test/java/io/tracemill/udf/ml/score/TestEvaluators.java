package io.tracemill.udf.ml.score;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.udf.grade.Estimators;
import io.tracemill.udf.ml.MlSession;
import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestEvaluators {
  private final SparkSession spark = MlSession.get();

  @TempDir private Path folder;

  /** Three prompts, two samples each; "e" has no right answer to compare with. */
  private Dataset<Row> rows() {
    return spark.sql(
        """
        SELECT gold AS answer, named_struct('row_key', id, 'extracted_answer', answer,
          'generated_tokens', tokens, 'kv_mean_rows', kv, 'kv_peak_rows', 2 * kv) AS generation
        FROM VALUES ('a', '1/2', '0.5', 100, 10D), ('a', '1/2', '7', 200, 20D),
          ('b', '3', '3', 300, 30D), ('b', '3', '3.0', 100, 10D),
          ('c', '5', NULL, 900, 90D), ('c', '5', '6', 400, 40D),
          ('e', NULL, '1', 5000, 500D) AS t(id, gold, answer, tokens, kv)
        """);
  }

  @Test
  void scoresAreThoseWorkedOutByHand() {
    assertThat(new AccuracyEvaluator().evaluate(rows())).isEqualTo(3.0 / 6);
    assertThat(new PassAtKEvaluator().evaluate(rows())).isEqualTo((0.5 + 1 + 0) / 3);
    assertThat(new PassAtKEvaluator().setK(2).evaluate(rows())).isEqualTo(2.0 / 3);
    assertThat(new TokensPerCorrectAnswerEvaluator().evaluate(rows())).isEqualTo(2000.0 / 3);
    assertThat(new KvRowsPerCorrectAnswerEvaluator().evaluate(rows())).isEqualTo(200.0 / 3);
    assertThat(
            new KvRowsPerCorrectAnswerEvaluator()
                .setCostCol("generation.kv_peak_rows")
                .evaluate(rows()))
        .isEqualTo(400.0 / 3);
    assertThat(Estimators.passAtK(2, 1, 1)).contains(0.5);
  }

  @Test
  void onlyACostIsBetterWhereItIsSmaller() {
    assertThat(new AccuracyEvaluator().isLargerBetter()).isTrue();
    assertThat(new PassAtKEvaluator().isLargerBetter()).isTrue();
    assertThat(new TokensPerCorrectAnswerEvaluator().isLargerBetter()).isFalse();
    assertThat(new KvRowsPerCorrectAnswerEvaluator().isLargerBetter()).isFalse();
  }

  @Test
  void aCostWithoutAnyRightAnswerIsInfinite() {
    Dataset<Row> wrong = rows().filter("generation.row_key = 'c'");
    assertThat(new TokensPerCorrectAnswerEvaluator().evaluate(wrong))
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(new AccuracyEvaluator().evaluate(wrong)).isZero();
  }

  @Test
  void nothingToGradeIsOneSentence() {
    Dataset<Row> unlabelled = rows().filter("answer IS NULL");
    assertThatThrownBy(() -> new AccuracyEvaluator().evaluate(unlabelled))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "No row has a right answer in the column 'answer', so there is nothing to evaluate.");
    assertThatThrownBy(() -> new PassAtKEvaluator().setK(3).evaluate(rows()))
        .hasMessage(
            "No prompt has a right answer in the column 'answer' and 3 samples or more to"
                + " evaluate.");
  }

  @Test
  void columnsOfATracesTableCanBeNamed() {
    Dataset<Row> table =
        rows().selectExpr("generation.*", "named_struct('answer', answer) AS input");
    assertThat(
            new AccuracyEvaluator()
                .setPredictionCol("extracted_answer")
                .setLabelCol("input.answer")
                .evaluate(table))
        .isEqualTo(0.5);
    assertThat(
            new PassAtKEvaluator()
                .setK(2)
                .setKeyCol("row_key")
                .setPredictionCol("extracted_answer")
                .setLabelCol("input.answer")
                .evaluate(table))
        .isEqualTo(2.0 / 3);
  }

  @Test
  void evaluatorsAreSavedAndLoaded() throws Exception {
    PassAtKEvaluator saved = new PassAtKEvaluator().setK(7).setKeyCol("id").setLabelCol("gold");
    saved.write().overwrite().save(folder.resolve("pass").toString());
    PassAtKEvaluator loaded = PassAtKEvaluator.load(folder.resolve("pass").toString());
    assertThat(loaded.uid()).isEqualTo(saved.uid());
    assertThat(loaded.explainParams()).isEqualTo(saved.explainParams()).contains("current: 7");
    KvRowsPerCorrectAnswerEvaluator cost = new KvRowsPerCorrectAnswerEvaluator().setCostCol("x");
    cost.write().overwrite().save(folder.resolve("cost").toString());
    assertThat(
            KvRowsPerCorrectAnswerEvaluator.load(folder.resolve("cost").toString()).explainParams())
        .isEqualTo(cost.explainParams());
  }

  @Test
  void anEvaluationReadsItsRowsOnce() {
    for (TraceEvaluator<?> evaluator :
        new TraceEvaluator<?>[] {
          new AccuracyEvaluator(),
          new PassAtKEvaluator(),
          new TokensPerCorrectAnswerEvaluator(),
          new KvRowsPerCorrectAnswerEvaluator()
        }) {
      var read = spark.sparkContext().longAccumulator("rows read");
      Dataset<Row> counted =
          rows()
              .map(
                  (org.apache.spark.api.java.function.MapFunction<Row, Row>)
                      row -> {
                        read.add(1);
                        return row;
                      },
                  org.apache.spark.sql.Encoders.row(rows().schema()));
      evaluator.evaluate(counted);
      assertThat(read.value()).as(evaluator.uid()).isEqualTo(7);
    }
  }
}
