package io.tracemill.udf.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.udf.grade.Estimators;
import io.tracemill.udf.grade.WilsonInterval;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TestAggregates {
  private static final StructType SAMPLES =
      new StructType()
          .add("row_key", DataTypes.StringType)
          .add("answer", DataTypes.StringType)
          .add("correct", DataTypes.BooleanType);

  private SparkSession spark;

  @BeforeEach
  void register() {
    spark = SparkSessions.get();
    TracemillFunctions.register(spark);
  }

  /** Forty prompts with five samples each; prompt i has i mod 6 right answers, written in turns. */
  private Dataset<Row> samples() {
    String[] right = {"1/2", "0.5", "\\frac{1}{2}", "50%", "x = 0.5"};
    List<Row> rows = new ArrayList<>();
    for (int prompt = 0; prompt < 40; prompt++) {
      for (int sample = 0; sample < 5; sample++) {
        boolean correct = sample < prompt % 6;
        String answer = correct ? right[sample] : sample == 4 ? null : "wrong " + sample;
        rows.add(RowFactory.create("p" + prompt, answer, correct));
      }
    }
    return spark.createDataFrame(rows, SAMPLES).repartition(4);
  }

  @Test
  void accuracyCarriesItsWilsonInterval() {
    Row row = samples().selectExpr("tm_accuracy(correct) AS a").selectExpr("a.*").head();
    long correct = samples().filter("correct").count();
    WilsonInterval expected = WilsonInterval.of(correct, 200, 0.95);
    assertThat(row.getLong(0)).isEqualTo(200);
    assertThat(row.getLong(1)).isEqualTo(correct);
    assertThat(row.getDouble(2)).isEqualTo(correct / 200.0);
    assertThat(row.getDouble(3)).isEqualTo(expected.low());
    assertThat(row.getDouble(4)).isEqualTo(expected.high());
  }

  @Test
  void accuracyOfNothingHasNoShare() {
    Row row = samples().filter("row_key = 'none'").selectExpr("tm_accuracy(correct) AS a").head();
    assertThat(row.getStruct(0).getLong(0)).isZero();
    assertThat(row.getStruct(0).isNullAt(2)).isTrue();
  }

  @Test
  void passAtKAndMajAtKPerPromptEqualTheEstimators() {
    for (int k = 1; k <= 6; k++) {
      List<Row> rows =
          samples()
              .groupBy("row_key")
              .agg(
                  org.apache.spark.sql.functions.expr("tm_pass_at_k(correct, " + k + ")"),
                  org.apache.spark.sql.functions.expr("tm_maj_at_k(answer, '0.5', " + k + ")"))
              .collectAsList();
      assertThat(rows).hasSize(40);
      for (Row row : rows) {
        int right = Integer.parseInt(row.getString(0).substring(1)) % 6;
        if (k == 6) {
          assertThat(row.isNullAt(1)).isTrue();
          assertThat(row.isNullAt(2)).isTrue();
          continue;
        }
        assertThat(row.getDouble(1)).isEqualTo(Estimators.passAtK(5, right, k).orElseThrow());
        List<Integer> others = new ArrayList<>();
        for (int sample = right; sample < 4; sample++) {
          others.add(1);
        }
        int abstentions = right == 5 ? 0 : 1;
        assertThat(row.getDouble(2))
            .isCloseTo(
                Estimators.majAtK(right, others, abstentions, k).orElseThrow(), within(1e-12));
      }
    }
  }

  @Test
  void theMajorityCountsAnswersByMeaning() {
    Map<String, Row> byPrompt = new TreeMap<>();
    samples()
        .groupBy("row_key")
        .agg(org.apache.spark.sql.functions.expr("tm_majority_vote(answer) AS v"))
        .collectAsList()
        .forEach(row -> byPrompt.put(row.getString(0), row.getStruct(1)));
    Row three = byPrompt.get("p3");
    assertThat(three.getInt(1)).isEqualTo(3);
    assertThat(three.getInt(2)).isEqualTo(4);
    assertThat(three.getDouble(3)).isEqualTo(0.75);
    assertThat(three.getInt(4)).isEqualTo(2);
    assertThat(three.getString(0)).isEqualTo("0.5");
    assertThat(byPrompt.get("p0").getString(0)).isEqualTo("wrong 0");
    Row nobody =
        spark.sql("SELECT tm_majority_vote(a) FROM VALUES (CAST(NULL AS STRING)) t(a)").head();
    assertThat(nobody.getStruct(0).isNullAt(0)).isTrue();
    assertThat(nobody.getStruct(0).getInt(2)).isZero();
  }

  @Test
  void partitioningDoesNotChangeAnyAggregate() {
    String query =
        "SELECT row_key, tm_majority_vote(answer), tm_maj_at_k(answer, '1/2', 3),"
            + " tm_pass_at_k(correct, 3), tm_accuracy(correct) FROM s GROUP BY row_key ORDER BY 1";
    samples().coalesce(1).createOrReplaceTempView("s");
    List<Row> one = spark.sql(query).collectAsList();
    samples().repartition(7).createOrReplaceTempView("s");
    assertThat(spark.sql(query).collectAsList()).isEqualTo(one);
  }
}
