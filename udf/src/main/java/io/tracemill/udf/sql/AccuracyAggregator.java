package io.tracemill.udf.sql;

import io.tracemill.udf.grade.WilsonInterval;
import org.apache.spark.sql.Encoder;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Aggregator;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** Share of true values with Wilson's 95 % interval; rows that are null are left out. */
public final class AccuracyAggregator extends Aggregator<Boolean, VerdictCounts, Row> {
  private static final long serialVersionUID = 1L;

  /** The type of the value; the shares are null where there was no row. */
  public static final StructType TYPE =
      new StructType()
          .add("n", DataTypes.LongType, false)
          .add("correct", DataTypes.LongType, false)
          .add("accuracy", DataTypes.DoubleType, true)
          .add("low", DataTypes.DoubleType, true)
          .add("high", DataTypes.DoubleType, true);

  @Override
  public VerdictCounts zero() {
    return new VerdictCounts();
  }

  @Override
  public VerdictCounts reduce(VerdictCounts counts, Boolean correct) {
    counts.add(correct);
    return counts;
  }

  @Override
  public VerdictCounts merge(VerdictCounts a, VerdictCounts b) {
    a.addAll(b);
    return a;
  }

  @Override
  public Row finish(VerdictCounts counts) {
    if (counts.rows() == 0) {
      return RowFactory.create(0L, 0L, null, null, null);
    }
    WilsonInterval interval =
        WilsonInterval.of(counts.correct(), counts.rows(), WilsonInterval.USUAL_CONFIDENCE);
    double accuracy = (double) counts.correct() / counts.rows();
    return RowFactory.create(
        counts.rows(), counts.correct(), accuracy, interval.low(), interval.high());
  }

  @Override
  public Encoder<VerdictCounts> bufferEncoder() {
    return Encoders.javaSerialization(VerdictCounts.class);
  }

  @Override
  public Encoder<Row> outputEncoder() {
    return Encoders.row(TYPE);
  }
}
