package io.tracemill.udf.ml.similar;

import static org.apache.spark.sql.functions.array_distinct;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.size;
import static org.apache.spark.sql.functions.udf;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import org.apache.spark.ml.feature.HashingTF;
import org.apache.spark.ml.feature.MinHashLSH;
import org.apache.spark.ml.feature.MinHashLSHModel;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataTypes;

/**
 * Pairs of prompts whose sets of shingles (runs of characters, case and white space aside) overlap
 * by at least a share: {@code |A and B| / |A or B|}. Found by MinHash and locality-sensitive
 * hashing (Broder, 1997): candidates are rows that agree in one of several hashes, and their share
 * is then computed exactly over hashed shingles. A pair at the threshold is missed with the
 * probability {@code (1 - share) ^ tables}.
 *
 * @param keyColumn column that names rows
 * @param promptColumn column with the prompt's text
 * @param similarity least share, in (0, 1)
 * @param shingleCharacters length of a shingle, at least 2; shorter prompts are left out
 * @param tables hashes that may bring a pair together, at least 1; time grows with them
 */
public record NearDuplicates(
    String keyColumn, String promptColumn, double similarity, int shingleCharacters, int tables) {
  private static final int SHINGLE_BUCKETS = 1 << 18;
  private static final long SEED = 20130527;

  public NearDuplicates {
    Objects.requireNonNull(keyColumn, "keyColumn");
    Objects.requireNonNull(promptColumn, "promptColumn");
    if (!(similarity > 0 && similarity < 1)) {
      throw new IllegalArgumentException(
          "similarity is %s; it must be above 0 and below 1.".formatted(similarity));
    }
    if (shingleCharacters < 2 || tables < 1) {
      throw new IllegalArgumentException(
          "shingles of %d characters and %d tables; there must be at least 2 and 1."
              .formatted(shingleCharacters, tables));
    }
  }

  /** Shingles of five characters, eight tables, a share of 0.8. */
  public static NearDuplicates of(String keyColumn, String promptColumn) {
    return new NearDuplicates(keyColumn, promptColumn, 0.8, 5, 8);
  }

  /** The same search with another threshold. */
  public NearDuplicates withSimilarity(double least) {
    return new NearDuplicates(keyColumn, promptColumn, least, shingleCharacters, tables);
  }

  /**
   * The pairs: {@code key_a} below {@code key_b}, both as texts, and {@code similarity}. Lazy.
   * Prompts shorter than a shingle have nothing to compare and are left out, as are nulls.
   */
  public Dataset<Row> pairs(Dataset<Row> prompts) {
    Dataset<Row> shingled =
        prompts
            .select(
                col(keyColumn).cast(DataTypes.StringType).as("key"),
                shingles(col(promptColumn)).as("shingles"))
            // A set without a member has no hash; MLlib stops at the first.
            .filter(size(col("shingles")).gt(0));
    Dataset<Row> hashed =
        new HashingTF()
            .setInputCol("shingles")
            .setOutputCol("features")
            .setNumFeatures(SHINGLE_BUCKETS)
            .setBinary(true)
            .transform(shingled)
            .drop("shingles");
    MinHashLSHModel model =
        new MinHashLSH()
            .setInputCol("features")
            .setOutputCol("hashes")
            .setNumHashTables(tables)
            .setSeed(SEED)
            .fit(hashed);
    Column a = col("datasetA.key");
    Column b = col("datasetB.key");
    return model
        .approxSimilarityJoin(hashed, hashed, 1 - similarity + 1e-9, "distance")
        .filter(a.lt(b))
        .select(a.as("key_a"), b.as("key_b"), lit(1).minus(col("distance")).as("similarity"));
  }

  private Column shingles(Column prompt) {
    int length = shingleCharacters;
    UDF1<String, String[]> cut = text -> shingles(text, length);
    return array_distinct(udf(cut, new ArrayType(DataTypes.StringType, false)).apply(prompt));
  }

  private static String[] shingles(String text, int length) {
    if (text == null) {
      return new String[0];
    }
    String plain = text.toLowerCase(Locale.ROOT).replaceAll("\\s+", " ").strip();
    List<String> shingles =
        IntStream.rangeClosed(0, plain.length() - length)
            .mapToObj(i -> plain.substring(i, i + length))
            .toList();
    return shingles.toArray(String[]::new);
  }
}
