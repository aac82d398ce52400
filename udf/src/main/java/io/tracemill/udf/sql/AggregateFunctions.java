package io.tracemill.udf.sql;

import static org.apache.spark.sql.functions.udaf;

import io.tracemill.udf.sql.SqlFunction.Group;
import java.util.List;
import org.apache.spark.sql.Encoders;

/** The functions of many rows. */
final class AggregateFunctions {
  private AggregateFunctions() {}

  static List<SqlFunction> all() {
    return List.of(
        new SqlFunction(
            "tm_accuracy",
            Group.SAMPLES,
            List.of("correct BOOLEAN"),
            "STRUCT<n: BIGINT, correct: BIGINT, accuracy: DOUBLE, low: DOUBLE, high: DOUBLE>",
            "Aggregate: the share of true rows with Wilson's 95 % interval. Null rows are left out.",
            "tm_accuracy(correct).accuracy FROM VALUES (true), (true), (false), (NULL) AS t(correct)",
            "0.6666666666666666",
            udaf(new AccuracyAggregator(), Encoders.BOOLEAN())),
        new SqlFunction(
            "tm_pass_at_k",
            Group.SAMPLES,
            List.of("correct BOOLEAN", "k INT"),
            "DOUBLE",
            "Aggregate over the samples of one prompt: the unbiased chance that at least one of k"
                + " samples is correct, 1 - C(n - c, k) / C(n, k). Null where fewer than k rows are"
                + " graded.",
            "tm_pass_at_k(correct, 2) FROM VALUES (true), (false), (false), (false) AS t(correct)",
            "0.5",
            udaf(new PassAtKAggregator(), Encoders.tuple(Encoders.BOOLEAN(), Encoders.INT()))),
        new SqlFunction(
            "tm_maj_at_k",
            Group.SAMPLES,
            List.of("answer STRING", "gold STRING", "k INT"),
            "DOUBLE",
            "Aggregate over the samples of one prompt: the chance that the most frequent answer of k"
                + " samples drawn without replacement is right; ties are drawn. Answers count"
                + " together where tm_answers_equal says so; a null answer is drawn but does not"
                + " vote.",
            "tm_maj_at_k(a, '0.5', 3) FROM VALUES ('1/2'), ('0.5'), ('2'), ('3') AS t(a)",
            "0.6666666666666666",
            udaf(
                new MajAtKAggregator(),
                Encoders.tuple(Encoders.STRING(), Encoders.STRING(), Encoders.INT()))),
        new SqlFunction(
            "tm_majority_vote",
            Group.SAMPLES,
            List.of("answer STRING"),
            "STRUCT<answer: STRING, votes: INT, voters: INT, share: DOUBLE, answers: INT>",
            "Aggregate over the samples of one prompt: the most frequent answer by meaning, as it is"
                + " most often written, its votes, all votes, its share, and the number of different"
                + " answers. Null answers do not vote; among equals the first in the alphabet wins.",
            "tm_majority_vote(a).answer FROM VALUES ('1/2'), ('0.5'), ('2') AS t(a)",
            "0.5",
            udaf(new MajorityVoteAggregator(), Encoders.STRING())));
  }
}
