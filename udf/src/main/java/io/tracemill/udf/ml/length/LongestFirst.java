package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.LongType;

import io.tracemill.udf.RowDealer;
import java.util.Objects;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.StructType;

/**
 * Deals rows like cards, in the order of their predicted length: the row of rank r goes to
 * partition r mod n, and inside a partition the longest come first. Every partition gets its share
 * of long rows, and no long row starts when all others are nearly done. (Sorting and cutting would
 * put all long rows into one partition.)
 *
 * @param model predicts
 * @param promptColumn column with the prompt's text
 * @param keyColumn column that tells rows apart, so that ranks do not depend on what arrives first
 */
public record LongestFirst(TraceLengthModel model, String promptColumn, String keyColumn)
    implements RowDealer {
  private static final String PREDICTED = "__tracemill_predicted";
  private static final String RANK = "__tracemill_rank";

  public LongestFirst {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(promptColumn, "promptColumn");
    Objects.requireNonNull(keyColumn, "keyColumn");
  }

  @Override
  public Dataset<Row> deal(Dataset<Row> rows, int partitions) {
    LengthPredictor predictor = model.learned();
    UDF1<String, Double> predict = prompt -> predictor.predict(prompt).location();
    Dataset<Row> sorted =
        rows.withColumn(PREDICTED, udf(predict, DoubleType).apply(col(promptColumn)))
            .orderBy(col(PREDICTED).desc(), col(keyColumn));
    StructType type = sorted.schema().add(RANK, LongType);
    return rows.sparkSession()
        .createDataFrame(
            sorted.javaRDD().zipWithIndex().map(ranked -> withRank(ranked._1(), ranked._2())), type)
        .repartitionById(partitions, pmod(col(RANK), lit(partitions)).cast("int"))
        .sortWithinPartitions(col(RANK))
        .drop(PREDICTED, RANK);
  }

  private static Row withRank(Row row, long rank) {
    Object[] values = new Object[row.length() + 1];
    for (int i = 0; i < row.length(); i++) {
      values[i] = row.get(i);
    }
    values[row.length()] = rank;
    return RowFactory.create(values);
  }
}
