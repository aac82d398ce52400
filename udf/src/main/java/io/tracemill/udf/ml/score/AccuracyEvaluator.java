package io.tracemill.udf.ml.score;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.count_if;
import static org.apache.spark.sql.functions.lit;

import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** The share of graded rows whose answer is right, failed and truncated rows among them. */
public final class AccuracyEvaluator extends TraceEvaluator<AccuracyEvaluator> {
  private static final long serialVersionUID = 1L;

  public AccuracyEvaluator() {
    this(Identifiable.randomUID("accuracy"));
  }

  /** With a given id, as Spark makes it when it copies or loads one. */
  public AccuracyEvaluator(String uid) {
    super(uid);
  }

  @Override
  AccuracyEvaluator self() {
    return this;
  }

  @Override
  Column[] inputs() {
    return new Column[0];
  }

  @Override
  Dataset<Row> totals(Dataset<Row> graded) {
    return graded.agg(count(lit(1)), count_if(col(CORRECT)));
  }

  @Override
  double score(Row totals) {
    return (double) totals.getLong(1) / totals.getLong(0);
  }

  @Override
  public boolean isLargerBetter() {
    return true;
  }

  @Override
  public AccuracyEvaluator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Reads a saved evaluator. */
  public static MLReader<AccuracyEvaluator> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved evaluator from a folder. */
  public static AccuracyEvaluator load(String path) {
    return read().load(path);
  }
}
