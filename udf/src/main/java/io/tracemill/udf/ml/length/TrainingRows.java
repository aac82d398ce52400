package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.types.DataTypes.DoubleType;

import java.util.List;
import java.util.Objects;
import org.apache.spark.ml.linalg.SQLDataTypes;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Traces of known length, as learners take them.
 *
 * @param traces at least one
 */
record TrainingRows(List<Trace> traces) {
  static final String SUMMARY = "summary";
  static final String ALL = "all";
  static final String TOKENS = "tokens";
  static final String LOG_TOKENS = "log_tokens";
  static final String SEEN = "seen";

  private static final StructType TYPE =
      new StructType()
          .add(SUMMARY, SQLDataTypes.VectorType())
          .add(ALL, SQLDataTypes.VectorType())
          .add(TOKENS, DoubleType)
          .add(LOG_TOKENS, DoubleType)
          .add(SEEN, DoubleType);

  /**
   * A trace.
   *
   * @param prompt what was asked
   * @param tokens generated, above 0
   * @param truncated whether it would have gone on
   */
  record Trace(String prompt, double tokens, boolean truncated) {
    Trace {
      Objects.requireNonNull(prompt, "prompt");
      if (!(tokens > 0)) {
        throw new IllegalArgumentException(tokens + " tokens");
      }
    }

    double logTokens() {
      return Math.log(tokens);
    }
  }

  /** In one partition: jobs over so few rows cost more than their work. */
  Dataset<Row> toDataset(SparkSession spark) {
    List<Row> rows =
        traces.stream()
            .map(
                trace ->
                    RowFactory.create(
                        PromptFeatures.summary(trace.prompt()),
                        PromptFeatures.all(trace.prompt()),
                        trace.tokens(),
                        trace.logTokens(),
                        trace.truncated() ? 0.0 : 1.0))
            .toList();
    return spark.createDataFrame(rows, TYPE).coalesce(1);
  }
}
