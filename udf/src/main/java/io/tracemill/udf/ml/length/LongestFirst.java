package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;
import static org.apache.spark.sql.types.DataTypes.LongType;

import io.tracemill.udf.RowDealer;
import java.io.Serializable;
import java.util.Objects;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;

/**
 * Deals rows in the order of their predicted length, the longest first. Spark starts partitions in
 * their order, as many at once as there are tasks: so rows are dealt like cards among the
 * partitions of the first round, until these are full, then among those of the next. Tasks of a
 * round get equal shares of long rows, and what is left for the end is short. (Plain sorting and
 * cutting would give all long rows to one executor where there is but one round.)
 *
 * @param model predicts
 * @param promptColumn column with the prompt: a text, or turns, which are taken as their JSON
 * @param keyColumn column that tells rows apart, so that ranks do not depend on what arrives first
 */
public record LongestFirst(TraceLengthModel model, String promptColumn, String keyColumn)
    implements RowDealer {
  private static final String PREDICTED = "__tracemill_predicted";
  private static final String RANK = "__tracemill_rank";
  private static final String PARTITION = "__tracemill_partition";

  public LongestFirst {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(promptColumn, "promptColumn");
    Objects.requireNonNull(keyColumn, "keyColumn");
  }

  @Override
  public Dataset<Row> deal(Dataset<Row> rows, int partitions, int tasksAtOnce) {
    Hands hands = new Hands(rows.count(), partitions, Math.min(partitions, tasksAtOnce));
    LengthPredictor predictor = model.learned();
    UDF1<String, Double> predict = prompt -> predictor.predict(prompt).location();
    boolean isText = rows.schema().apply(promptColumn).dataType() instanceof StringType;
    Column prompt = isText ? col(promptColumn) : to_json(col(promptColumn));
    Dataset<Row> sorted =
        rows.withColumn(PREDICTED, udf(predict, DoubleType).apply(prompt))
            .orderBy(col(PREDICTED).desc(), col(keyColumn));
    StructType type = sorted.schema().add(RANK, LongType).add(PARTITION, IntegerType);
    return rows.sparkSession()
        .createDataFrame(
            sorted.javaRDD().zipWithIndex().map(ranked -> hands.deal(ranked._1(), ranked._2())),
            type)
        .repartitionById(partitions, col(PARTITION))
        .sortWithinPartitions(col(RANK))
        .drop(PREDICTED, RANK, PARTITION);
  }

  /**
   * Which partition a rank goes to.
   *
   * @param rows of all partitions
   * @param partitions at least 1
   * @param tasksAtOnce partitions of a round, from 1 to {@code partitions}
   */
  record Hands(long rows, int partitions, int tasksAtOnce) implements Serializable {
    Hands {
      if (partitions < 1 || tasksAtOnce < 1 || tasksAtOnce > partitions) {
        throw new IllegalArgumentException(
            "%d partitions, %d tasks at once".formatted(partitions, tasksAtOnce));
      }
    }

    /** The partition of the row at this rank, from 0. */
    int partition(long rank) {
      // The first partition whose round this rank falls into: rounds take rows as they have
      // partitions, and the last one may have fewer.
      long fullRound = Math.max(1, rows * tasksAtOnce / partitions);
      long rounds = ((long) partitions + tasksAtOnce - 1) / tasksAtOnce;
      long round = Math.min(rounds - 1, rank / fullRound);
      int first = (int) (round * tasksAtOnce);
      int width = Math.min(tasksAtOnce, partitions - first);
      return first + (int) ((rank - round * fullRound) % width);
    }

    private Row deal(Row row, long rank) {
      Object[] values = new Object[row.length() + 2];
      for (int i = 0; i < row.length(); i++) {
        values[i] = row.get(i);
      }
      values[row.length()] = rank;
      values[row.length() + 1] = partition(rank);
      return RowFactory.create(values);
    }
  }
}
