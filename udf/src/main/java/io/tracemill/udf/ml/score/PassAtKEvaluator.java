package io.tracemill.udf.ml.score;

import static org.apache.spark.sql.functions.avg;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.udf;

import io.tracemill.udf.grade.Estimators;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataTypes;

/**
 * The mean over prompts of the unbiased pass@k of their samples, {@link Estimators#passAtK}.
 * Prompts with fewer than k samples are left out.
 */
public final class PassAtKEvaluator extends TraceEvaluator<PassAtKEvaluator> {
  private static final long serialVersionUID = 1L;
  private static final String KEY = "key";

  private final IntParam k;
  private final Param<String> keyCol;

  public PassAtKEvaluator() {
    this(Identifiable.randomUID("passAtK"));
  }

  /** With a given id, as Spark makes it when it copies or loads one. */
  public PassAtKEvaluator(String uid) {
    super(uid);
    k = new IntParam(this, "k", "samples that may be tried", ParamValidators.gtEq(1));
    keyCol = new Param<>(this, "keyCol", "column that samples of one prompt share");
    setDefault(k, 1);
    setDefault(keyCol, "generation.row_key");
  }

  @Override
  PassAtKEvaluator self() {
    return this;
  }

  @Override
  Column[] inputs() {
    return new Column[] {col(getOrDefault(keyCol)).as(KEY)};
  }

  @Override
  Dataset<Row> totals(Dataset<Row> graded) {
    int tries = (Integer) getOrDefault(k);
    UDF2<Long, Long, Double> passAtK =
        (samples, right) -> Estimators.passAtK(samples, right, tries).orElse(null);
    Column prompt = udf(passAtK, DataTypes.DoubleType).apply(count(lit(1)), count_if(col(CORRECT)));
    return graded
        .groupBy(KEY)
        .agg(prompt.as("pass_at_k"))
        .agg(count(col("pass_at_k")), avg("pass_at_k"));
  }

  @Override
  double score(Row totals) {
    return totals.getDouble(1);
  }

  @Override
  String nothingGraded() {
    return "No prompt has a right answer in the column '%s' and %d samples or more to evaluate."
        .formatted(getOrDefault(labelCol()), (Integer) getOrDefault(k));
  }

  @Override
  public boolean isLargerBetter() {
    return true;
  }

  @Override
  public PassAtKEvaluator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Reads a saved evaluator. */
  public static MLReader<PassAtKEvaluator> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved evaluator from a folder. */
  public static PassAtKEvaluator load(String path) {
    return read().load(path);
  }

  /** Samples that may be tried, at least 1. */
  public IntParam k() {
    return k;
  }

  public PassAtKEvaluator setK(int value) {
    set(k, value);
    return this;
  }

  /** Column that the samples of one prompt share. */
  public Param<String> keyCol() {
    return keyCol;
  }

  public PassAtKEvaluator setKeyCol(String value) {
    set(keyCol, value);
    return this;
  }
}
