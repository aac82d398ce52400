package io.tracemill.udf.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TestTracemillFunctions {
  private SparkSession spark;

  @BeforeEach
  void register() {
    spark = SparkSessions.get();
    TracemillFunctions.register(spark);
    assertThat(spark.conf().get("spark.sql.ansi.enabled")).isEqualTo("true");
  }

  private Object one(String expression) {
    return spark.sql("SELECT " + expression).head().get(0);
  }

  @Test
  void everyExampleGivesWhatItsDescriptionSays() {
    for (SqlFunction function : TracemillFunctions.all()) {
      assertThat(String.valueOf(one(function.example())))
          .as(function.name())
          .isEqualTo(function.exampleValue());
    }
  }

  @Test
  void examplesGiveTheSameWithoutCodeGeneration() {
    String wholeStage = spark.conf().get("spark.sql.codegen.wholeStage");
    spark.conf().set("spark.sql.codegen.wholeStage", "false");
    spark.conf().set("spark.sql.codegen.factoryMode", "NO_CODEGEN");
    try {
      everyExampleGivesWhatItsDescriptionSays();
    } finally {
      spark.conf().set("spark.sql.codegen.wholeStage", wholeStage);
      spark.conf().set("spark.sql.codegen.factoryMode", "FALLBACK");
    }
  }

  @Test
  void describeFunctionExtendedShowsUsageArgumentsAndExample() {
    for (SqlFunction function : TracemillFunctions.all()) {
      String text = describe(spark, function.name());
      assertThat(text)
          .contains(function.name())
          .contains(function.usage())
          .contains(function.exampleValue())
          .contains(function.arguments().get(0));
    }
  }

  static String describe(SparkSession session, String name) {
    return session.sql("DESCRIBE FUNCTION EXTENDED " + name).collectAsList().stream()
        .map(row -> row.getString(0))
        .collect(Collectors.joining("\n"));
  }

  @Test
  void aNewSessionNeedsItsOwnRegistration() {
    SparkSession other = spark.newSession();
    assertThatThrownBy(() -> other.sql("SELECT tm_answers_equal('1', '1')"))
        .hasMessageContaining("tm_answers_equal");
    TracemillFunctions.register(other);
    assertThat(other.sql("SELECT tm_answers_equal('1', '1')").head().getBoolean(0)).isTrue();
  }

  @Test
  void nullGivesNullInEveryScalarFunction() {
    for (SqlFunction function : ScalarFunctions.all()) {
      if (function.name().equals("tm_is_correct")) {
        continue;
      }
      String nulls =
          function.arguments().stream().map(a -> "NULL").collect(Collectors.joining(", "));
      assertThat(one(function.name() + "(" + nulls + ")")).as(function.name()).isNull();
    }
    assertThat(one("tm_is_correct('1', NULL)")).isNull();
    assertThat(one("tm_is_correct(NULL, '1')")).isEqualTo(false);
    assertThat(one("tm_answers_equal('1', NULL)")).isNull();
    assertThat(one("tm_extract_answer('<think>never ends')")).isNull();
  }

  @Test
  void numbersAndStringsMixWithoutCasts() {
    assertThat(one("tm_answers_equal(0.5, '1/2')")).isEqualTo(true);
    assertThat(one("tm_answers_equal(3, 3.0D)")).isEqualTo(true);
    assertThat(one("tm_kv_saved(10L, 4)")).isEqualTo(0.6);
    assertThat(one("tm_kv_saved(0, 4)")).isNull();
    assertThat(one("tm_kv_compression(4, 0)")).isNull();
    assertThat(one("tm_answers_close('10', '10.05', 0.01)")).isEqualTo(true);
    assertThat(one("tm_answers_close('10', '10.05', -1)")).isEqualTo(false);
    assertThat(one("tm_wilson_interval(3, 2, 0.95)")).isNull();
  }

  @Test
  void tokensAreCountedByTheModelsOwnTokenizerLoadedOnce() {
    String model = Path.of("../demo/model").toAbsolutePath().normalize().toString();
    Dataset<Row> rows =
        spark
            .range(0, 200, 1, 4)
            .selectExpr("tm_token_count(concat('What is ', id, ' + 1?'), '" + model + "') AS n");
    assertThat(rows.filter("n BETWEEN 5 AND 20").count()).isEqualTo(200);
    assertThat(one("tm_token_count('</think>', '" + model + "/tokenizer.json')")).isEqualTo(1);
    int held = TokenizerCache.size();
    assertThat(one("tm_token_count('x', '" + model + "')")).isEqualTo(1);
    assertThat(TokenizerCache.size()).isEqualTo(held);
    assertThatThrownBy(() -> one("tm_token_count('x', '/no/such/model')"))
        .hasStackTraceContaining("/no/such/model");
  }

  @Test
  void aWrongNumberOfArgumentsIsSaidSo() {
    assertThatThrownBy(() -> one("tm_answers_equal('1')"))
        .hasMessage(
            "A call with 1 arguments does not fit"
                + " tm_answers_equal(a STRING, b STRING) -> BOOLEAN.");
  }

  @Test
  void functionsAreDeterministicSoThatTheyPushDown() {
    String plan =
        spark
            .range(10)
            .selectExpr("cast(id as string) AS a")
            .filter("tm_answers_equal(a, '3')")
            .queryExecution()
            .optimizedPlan()
            .toString();
    assertThat(plan).contains("tm_answers_equal");
    StructType type = new StructType().add("a", DataTypes.StringType);
    Dataset<Row> data =
        spark.createDataFrame(
            List.of(
                RowFactory.create("3.0"), RowFactory.create("4"), RowFactory.create((Object) null)),
            type);
    assertThat(data.filter("tm_answers_equal(a, '3')").count()).isEqualTo(1);
  }
}
