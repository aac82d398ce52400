package io.tracemill.udf.ml.score;

import org.apache.spark.ml.param.ParamMap;
import org.apache.spark.ml.util.DefaultParamsReader;
import org.apache.spark.ml.util.Identifiable;
import org.apache.spark.ml.util.MLReader;

/** Tokens generated over all graded rows for each right answer: what an answer costs in time. */
public final class TokensPerCorrectAnswerEvaluator
    extends CostPerCorrectAnswer<TokensPerCorrectAnswerEvaluator> {
  private static final long serialVersionUID = 1L;

  public TokensPerCorrectAnswerEvaluator() {
    this(Identifiable.randomUID("tokensPerCorrectAnswer"));
  }

  /** With a given id, as Spark makes it when it copies or loads one. */
  public TokensPerCorrectAnswerEvaluator(String uid) {
    super(uid, "generation.generated_tokens");
  }

  @Override
  TokensPerCorrectAnswerEvaluator self() {
    return this;
  }

  @Override
  public TokensPerCorrectAnswerEvaluator copy(ParamMap extra) {
    return defaultCopy(extra);
  }

  /** Reads a saved evaluator. */
  public static MLReader<TokensPerCorrectAnswerEvaluator> read() {
    return new DefaultParamsReader<>();
  }

  /** Reads a saved evaluator from a folder. */
  public static TokensPerCorrectAnswerEvaluator load(String path) {
    return read().load(path);
  }
}
