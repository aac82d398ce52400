package io.tracemill.udf.sql;

import io.tracemill.udf.grade.Votes;
import java.util.List;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The most frequent answer by meaning, with its votes. */
public final class MajorityVoteAggregator extends Aggregator<String, AnswerCounts, Row> {
  private static final long serialVersionUID = 1L;

  /** The type of the value; answer and share are null where nobody voted. */
  public static final StructType TYPE =
      new StructType()
          .add("answer", DataTypes.StringType, true)
          .add("votes", DataTypes.IntegerType, false)
          .add("voters", DataTypes.IntegerType, false)
          .add("share", DataTypes.DoubleType, true)
          .add("answers", DataTypes.IntegerType, false);

  @Override
  public AnswerCounts zero() {
    return new AnswerCounts();
  }

  @Override
  public AnswerCounts reduce(AnswerCounts counts, String answer) {
    counts.add(answer);
    return counts;
  }

  @Override
  public AnswerCounts merge(AnswerCounts a, AnswerCounts b) {
    a.addAll(b);
    return a;
  }

  @Override
  public Row finish(AnswerCounts counts) {
    List<Votes.Camp> camps = Votes.camps(counts.byAnswer());
    if (camps.isEmpty()) {
      return RowFactory.create(null, 0, 0, null, 0);
    }
    int voters = camps.stream().mapToInt(Votes.Camp::count).sum();
    Votes.Camp first = camps.get(0);
    double share = (double) first.count() / voters;
    return RowFactory.create(first.answer(), first.count(), voters, share, camps.size());
  }

  @Override
  public Encoder<AnswerCounts> bufferEncoder() {
    return Encoders.javaSerialization(AnswerCounts.class);
  }

  @Override
  public Encoder<Row> outputEncoder() {
    return Encoders.row(TYPE);
  }
}
