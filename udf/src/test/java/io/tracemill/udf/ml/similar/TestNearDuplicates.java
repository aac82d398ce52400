package io.tracemill.udf.ml.similar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.udf.ml.MlSession;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;

class TestNearDuplicates {
  private final SparkSession spark = MlSession.get();

  @Test
  void pairsThatDifferInAWordAreFoundAndShortOrMissingPromptsDoNoHarm() {
    Dataset<Row> prompts =
        spark.sql(
            """
            SELECT * FROM VALUES
              (1, 'A train leaves the station at noon and travels at sixty miles an hour. When is it there?'),
              (2, 'A train leaves the  station at noon and travels at SIXTY miles an hour. When is it here?'),
              (3, 'Prove that the square root of two is not a rational number, in as few lines as you can.'),
              (4, 'hi'), (5, ''), (6, CAST(NULL AS STRING)),
              (7, 'A train leaves the station at noon and travels at eighty miles an hour. When is it there?')
              AS t(id, prompt)
            """);
    List<Row> pairs = NearDuplicates.of("id", "prompt").pairs(prompts).collectAsList();
    assertThat(pairs).hasSize(2);
    assertThat(pairs)
        .extracting(pair -> pair.getString(0) + "-" + pair.getString(1))
        .containsExactlyInAnyOrder("1-2", "1-7");
    assertThat(pairs).allSatisfy(pair -> assertThat(pair.getDouble(2)).isBetween(0.8, 1.0));
    assertThat(NearDuplicates.of("id", "prompt").pairs(prompts.filter("id > 3 AND id < 7")).count())
        .isZero();
  }

  /** Prompts of the demo, each again with its first number changed. */
  private Dataset<Row> variations() {
    Dataset<Row> prompts = spark.read().json("../demo/prompts.jsonl").limit(25);
    return prompts
        .select("id", "prompt")
        .union(
            prompts.selectExpr(
                "concat(id, '-again')", "regexp_replace(prompt, '^(\\\\D*)\\\\d+', '$17')"))
        .coalesce(1);
  }

  @Test
  void whatIsFoundIsWhatAllPairsSay() {
    Dataset<Row> prompts = variations();
    double least = 0.7;
    Set<String> truth = new TreeSet<>();
    List<Row> all = prompts.select("id", "prompt").collectAsList();
    for (Row a : all) {
      for (Row b : all) {
        if (a.getString(0).compareTo(b.getString(0)) < 0
            && overlap(a.getString(1), b.getString(1)) >= least) {
          truth.add(a.getString(0) + "-" + b.getString(0));
        }
      }
    }
    Set<String> found = new TreeSet<>();
    NearDuplicates.of("id", "prompt")
        .withSimilarity(least)
        .pairs(prompts)
        .collectAsList()
        .forEach(pair -> found.add(pair.getString(0) + "-" + pair.getString(1)));
    assertThat(truth).hasSizeGreaterThan(10);
    // Eight tables miss a pair of that many shingles with a chance below one in ten thousand.
    assertThat(found).isEqualTo(truth);
  }

  private static double overlap(String a, String b) {
    Set<String> left = shingles(a);
    Set<String> right = shingles(b);
    Set<String> both = new HashSet<>(left);
    both.retainAll(right);
    return (double) both.size() / (left.size() + right.size() - both.size());
  }

  private static Set<String> shingles(String text) {
    String plain = text.toLowerCase(java.util.Locale.ROOT);
    Set<String> shingles = new HashSet<>();
    for (int i = 0; i + 5 <= plain.length(); i++) {
      shingles.add(plain.substring(i, i + 5));
    }
    return shingles;
  }

  @Test
  void aWrongNumberIsOneSentence() {
    assertThatThrownBy(() -> NearDuplicates.of("id", "prompt").withSimilarity(1.5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("similarity is 1.5; it must be above 0 and below 1.");
  }
}
