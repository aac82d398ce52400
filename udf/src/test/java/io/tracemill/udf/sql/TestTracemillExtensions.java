package io.tracemill.udf.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TestTracemillExtensions {
  private SparkSession spark;

  @BeforeEach
  void startWithTheExtension() {
    // Extensions are read when a session is built, so this class needs one of its own.
    SparkSessions.get().stop();
    SparkSession.clearActiveSession();
    SparkSession.clearDefaultSession();
    spark =
        SparkSessions.builder()
            .config("spark.sql.extensions", TracemillExtensions.class.getName())
            .getOrCreate();
  }

  @AfterEach
  void stop() {
    spark.stop();
    SparkSession.clearActiveSession();
    SparkSession.clearDefaultSession();
  }

  @Test
  void everySessionHasEveryFunctionWithItsDescription() {
    for (SparkSession session : new SparkSession[] {spark, spark.newSession()}) {
      for (SqlFunction function : TracemillFunctions.all()) {
        assertThat(String.valueOf(session.sql("SELECT " + function.example()).head().get(0)))
            .as(function.name())
            .isEqualTo(function.exampleValue());
        assertThat(TestTracemillFunctions.describe(session, function.name()))
            .contains(function.usage());
      }
    }
  }

  @Test
  void aWrongNumberOfArgumentsNamesTheSignature() {
    assertThatThrownBy(() -> spark.sql("SELECT tm_answers_equal('1')"))
        .hasMessageContaining("tm_answers_equal(a STRING, b STRING)");
  }

  @Test
  void registeringOverTheExtensionChangesNothing() {
    TracemillFunctions.register(spark);
    assertThat(spark.sql("SELECT tm_extract_boxed('\\\\boxed{7}')").head().getString(0))
        .isEqualTo("7");
  }
}
