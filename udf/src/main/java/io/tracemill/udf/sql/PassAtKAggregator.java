package io.tracemill.udf.sql;

import io.tracemill.udf.grade.Estimators;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.expressions.Aggregator;
import scala.Tuple2;

/**
 * The unbiased pass@k of one prompt's samples; k is the same in every row. Null where fewer than k
 * samples were graded.
 */
public final class PassAtKAggregator
    extends Aggregator<Tuple2<Boolean, Integer>, VerdictCounts, Double> {
  private static final long serialVersionUID = 1L;

  @Override
  public VerdictCounts zero() {
    return new VerdictCounts();
  }

  @Override
  public VerdictCounts reduce(VerdictCounts counts, Tuple2<Boolean, Integer> row) {
    counts.add(row._1());
    counts.noteK(row._2() == null ? 0 : row._2());
    return counts;
  }

  @Override
  public VerdictCounts merge(VerdictCounts a, VerdictCounts b) {
    a.addAll(b);
    return a;
  }

  @Override
  public Double finish(VerdictCounts counts) {
    return Estimators.passAtK(counts.rows(), counts.correct(), counts.k()).orElse(null);
  }

  @Override
  public Encoder<VerdictCounts> bufferEncoder() {
    return Encoders.javaSerialization(VerdictCounts.class);
  }

  @Override
  public Encoder<Double> outputEncoder() {
    return Encoders.DOUBLE();
  }
}
