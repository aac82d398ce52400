package io.tracemill.udf.ml.score;

import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;

/**
 * KV rows that traces held on average over their steps, summed over all graded rows, for each right
 * answer: what an answer costs in memory. With {@code kv_peak_rows} as its column it counts the
 * most that each trace held.
 */
public final class KvRowsPerCorrectAnswerEvaluator
    extends CostPerCorrectAnswer<KvRowsPerCorrectAnswerEvaluator> {
  private static final long serialVersionUID = 1L;

  public KvRowsPerCorrectAnswerEvaluator() {
    this(Identifiable.randomUID("kvRowsPerCorrectAnswer"));
  }

  /** With a given id, as Spark makes it when it copies or loads one. */
  public KvRowsPerCorrectAnswerEvaluator(String uid) {
    super(uid, "generation.kv_mean_rows");
  }

  @Override
  KvRowsPerCorrectAnswerEvaluator self() {
    return this;
  }

  @Override
  public KvRowsPerCorrectAnswerEvaluator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Reads a saved evaluator. */
  public static MLReader<KvRowsPerCorrectAnswerEvaluator> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved evaluator from a folder. */
  public static KvRowsPerCorrectAnswerEvaluator load(String path) {
    return read().load(path);
  }
}
