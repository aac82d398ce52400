package io.tracemill.udf.sql;

import io.tracemill.udf.grade.Answers;
import io.tracemill.udf.grade.Estimators;
import io.tracemill.udf.grade.Votes;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.expressions.Aggregator;
import scala.Tuple3;

/**
 * maj@k of one prompt's samples: the chance that the majority of k of them is right. Gold answer
 * and k are the same in every row. Null where there is no gold answer, or fewer than k samples.
 */
public final class MajAtKAggregator
    extends Aggregator<Tuple3<String, String, Integer>, AnswerCounts, Double> {
  private static final long serialVersionUID = 1L;

  @Override
  public AnswerCounts zero() {
    return new AnswerCounts();
  }

  @Override
  public AnswerCounts reduce(AnswerCounts counts, Tuple3<String, String, Integer> row) {
    counts.add(row._1());
    counts.note(row._2(), row._3() == null ? 0 : row._3());
    return counts;
  }

  @Override
  public AnswerCounts merge(AnswerCounts a, AnswerCounts b) {
    a.addAll(b);
    return a;
  }

  @Override
  public Double finish(AnswerCounts counts) {
    if (counts.goldOrNull() == null) {
      return null;
    }
    int right = 0;
    List<Integer> others = new ArrayList<>();
    for (Votes.Camp camp : Votes.camps(counts.byAnswer())) {
      if (Answers.equal(camp.answer(), counts.goldOrNull())) {
        right += camp.count();
      } else {
        others.add(camp.count());
      }
    }
    return Estimators.majAtK(right, others, counts.abstentions(), counts.k()).orElse(null);
  }

  @Override
  public Encoder<AnswerCounts> bufferEncoder() {
    return Encoders.javaSerialization(AnswerCounts.class);
  }

  @Override
  public Encoder<Double> outputEncoder() {
    return Encoders.DOUBLE();
  }
}
