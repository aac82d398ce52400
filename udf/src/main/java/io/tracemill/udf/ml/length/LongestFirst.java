package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.xxhash64;
import static org.apache.spark.sql.types.DataTypes.DoubleType;
import static org.apache.spark.sql.types.DataTypes.IntegerType;

import io.tracemill.udf.RowDealer;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.StringType;

/**
 * Deals rows in the order of their predicted length, the longest first. Spark starts partitions in
 * their order, as many at once as there are tasks: so rows are dealt like cards among the
 * partitions of the first round, until these are full, then among those of the next. Tasks of a
 * round get equal shares of long rows, and what is left for the end is short. (Plain sorting and
 * cutting would give all long rows to one executor where there is but one round.)
 *
 * <p>One Spark action gathers two numbers for each row on the driver, 16 bytes; the rows themselves
 * are moved once.
 *
 * @param predictor predicts
 * @param prompt the prompt as text
 * @param key tells rows apart, so that ranks do not depend on what arrives first
 */
public record LongestFirst(LengthPredictor predictor, Column prompt, Column key)
    implements RowDealer {
  private static final String PREDICTED = "__tracemill_predicted";
  private static final String HASH = "__tracemill_hash";

  public LongestFirst {
    Objects.requireNonNull(predictor, "predictor");
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(key, "key");
  }

  /**
   * Of columns by name.
   *
   * @param rows that will be dealt
   * @param promptColumn column with the prompt: a text, or turns, which are taken as their JSON
   * @param keyColumn column that tells rows apart
   */
  public static LongestFirst of(
      TraceLengthModel model, Dataset<Row> rows, String promptColumn, String keyColumn) {
    LengthColumns.require(rows.schema(), "promptColumn", promptColumn);
    LengthColumns.require(rows.schema(), "keyColumn", keyColumn);
    boolean isText = rows.schema().apply(promptColumn).dataType() instanceof StringType;
    Column prompt = isText ? col(promptColumn) : to_json(col(promptColumn));
    return new LongestFirst(model.learned(), prompt, col(keyColumn));
  }

  @Override
  public Dataset<Row> deal(Dataset<Row> rows, int partitions, int tasksAtOnce) {
    LengthPredictor predicting = predictor;
    UDF1<String, Double> predict = text -> predicting.predict(text).location();
    Dataset<Row> predicted =
        rows.withColumn(PREDICTED, udf(predict, DoubleType).apply(prompt))
            .withColumn(HASH, xxhash64(key));
    Ranks ranks = Ranks.of(predicted.select(PREDICTED, HASH));
    Hands hands = new Hands(ranks.size(), partitions, Math.min(partitions, tasksAtOnce));
    Broadcast<Ranks> known =
        JavaSparkContext.fromSparkContext(rows.sparkSession().sparkContext()).broadcast(ranks);
    UDF2<Double, Long, Integer> partition =
        (length, hash) -> hands.partition(known.value().rank(length, hash));
    return predicted
        .repartitionById(partitions, udf(partition, IntegerType).apply(col(PREDICTED), col(HASH)))
        .sortWithinPartitions(col(PREDICTED).desc(), col(HASH))
        .drop(PREDICTED, HASH);
  }

  /**
   * All rows by predicted length, the longest first, then by the hash of their key.
   *
   * @param lengths descending
   * @param hashes ascending where lengths are equal
   */
  record Ranks(double[] lengths, long[] hashes) implements Serializable {
    private record Ranked(double length, long hash) implements Comparable<Ranked> {
      @Override
      public int compareTo(Ranked other) {
        int byLength = Double.compare(other.length, length);
        return byLength != 0 ? byLength : Long.compare(hash, other.hash);
      }
    }

    /** Gathers rows of a length and a hash. */
    static Ranks of(Dataset<Row> rows) {
      List<long[]> parts = rows.javaRDD().mapPartitions(Ranks::packed).collect();
      List<Ranked> all = new ArrayList<>();
      for (long[] part : parts) {
        for (int i = 0; i < part.length; i += 2) {
          all.add(new Ranked(Double.longBitsToDouble(part[i]), part[i + 1]));
        }
      }
      all.sort(null);
      return new Ranks(
          all.stream().mapToDouble(Ranked::length).toArray(),
          all.stream().mapToLong(Ranked::hash).toArray());
    }

    private static Iterator<long[]> packed(Iterator<Row> rows) {
      List<Long> packed = new ArrayList<>();
      while (rows.hasNext()) {
        Row row = rows.next();
        packed.add(Double.doubleToLongBits(row.getDouble(0)));
        packed.add(row.getLong(1));
      }
      return List.of(packed.stream().mapToLong(Long::longValue).toArray()).iterator();
    }

    int size() {
      return lengths.length;
    }

    /** How many rows come before this one. */
    long rank(double length, long hash) {
      Ranked wanted = new Ranked(length, hash);
      int low = 0;
      int high = lengths.length;
      while (low < high) {
        int middle = (low + high) >>> 1;
        if (new Ranked(lengths[middle], hashes[middle]).compareTo(wanted) < 0) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      return Math.min(low, Math.max(0, lengths.length - 1));
    }
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
  }
}
