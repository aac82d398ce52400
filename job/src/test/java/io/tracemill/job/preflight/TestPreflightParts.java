package io.tracemill.job.preflight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.job.error.JobException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.Test;

/** The parts of a preflight that need neither Spark nor an engine. */
class TestPreflightParts {
  private static SparkConf conf(String... pairs) {
    SparkConf conf = new SparkConf(false).set("spark.master", "spark://host:7077");
    for (int i = 0; i < pairs.length; i += 2) {
      conf.set(pairs[i], pairs[i + 1]);
    }
    return conf;
  }

  private static SparkPlan cluster(int engines, int feeders, int partitions, long rows) {
    return new SparkPlan(false, engines, feeders, partitions, rows, 32, 1_024, false);
  }

  private static List<String> warnings(SparkConf conf, SparkPlan plan) {
    Findings findings = new Findings();
    SparkChecks.ofPlan(conf, plan, findings);
    assertThat(findings.problems()).isEmpty();
    return findings.warnings();
  }

  @Test
  void aGoodClusterHasNoFindings() {
    assertThat(
            warnings(
                conf(
                    "spark.executor.cores", "8",
                    "spark.task.resource.gpu.amount", "0.125",
                    "spark.executor.resource.gpu.amount", "1",
                    "spark.speculation", "false"),
                cluster(4, 8, 400, 100_000)))
        .isEmpty();
  }

  @Test
  void whatHurtsIsNamedWithItsValueAndTheRemedy() {
    assertThat(
            warnings(
                conf(
                    "spark.executor.cores", "8",
                    "spark.task.resource.gpu.amount", "1",
                    "spark.executor.resource.gpu.amount", "1"),
                cluster(4, 1, 4_000, 100_000)))
        .containsExactly(
            "spark.task.resource.gpu.amount is 1, so that 1 of the 8 tasks an executor has cores for"
                + " can run; set it to 0.125, 1 divided by the tasks.",
            "One task at a time feeds an engine (spark.executor.cores 8, spark.task.cpus 1,"
                + " spark.task.resource.gpu.amount 1), so its batch drains whenever a task ends; let"
                + " four or more tasks share an executor.",
            "1 tasks of 25 rows feed an engine of 32 slots, which cannot fill it; use fewer"
                + " --partitions or more cores an executor.");
    assertThat(
            warnings(
                conf(
                    "spark.executor.cores", "8",
                    "spark.dynamicAllocation.enabled", "true",
                    "spark.task.maxFailures", "1",
                    "spark.network.timeout", "20s",
                    "spark.databricks.delta.optimizeWrite.enabled", "true",
                    "spark.driver.maxResultSize", "1m"),
                cluster(4, 8, 2, 100_000)))
        .satisfiesExactly(
            said -> assertThat(said).startsWith("spark.dynamicAllocation.enabled is on:"),
            said -> assertThat(said).startsWith("spark.task.maxFailures is 1, so that one lost"),
            said -> assertThat(said).startsWith("spark.network.timeout (20 s) is less than four"),
            said -> assertThat(said).startsWith("2 partitions are fewer than the 4 engines,"),
            said -> assertThat(said).startsWith("spark.databricks.delta.optimizeWrite.enabled is"),
            said -> assertThat(said).startsWith("spark.driver.maxResultSize is 1m;"));
    assertThat(
            warnings(
                conf("spark.executor.cores", "8"),
                new SparkPlan(false, 4, 8, 1_000, 100_000_000, 32, 32_768, true)))
        .satisfiesExactly(
            said ->
                assertThat(said).startsWith("spark.sql.parquet.columnarReaderBatchSize is 4,096"),
            said -> assertThat(said).startsWith("The OpenAI export passes through the driver"));
  }

  @Test
  void whatWouldStopTheStartIsAProblem() {
    Findings findings = new Findings();
    SparkChecks.beforeStart(
        conf(
            "spark.speculation", "true",
            "spark.executor.resource.gpu.amount", "2"),
        findings);
    SparkChecks.beforeStart(conf("spark.task.resource.gpu.amount", "0.5"), findings);
    SparkChecks.beforeStart(
        conf("spark.master", "local[4]", "spark.task.resource.gpu.amount", "0.5"), findings);
    assertThat(findings.problems())
        .containsExactly(
            "spark.speculation is on, which would generate slow rows twice; start with --conf"
                + " spark.speculation=false.",
            "spark.executor.resource.gpu.amount is 2, but an executor runs one engine on one GPU; set"
                + " it to 1 and start more executors.",
            "spark.task.resource.gpu.amount is set without spark.executor.resource.gpu.amount, so"
                + " that no task could ever start; set spark.executor.resource.gpu.amount to 1.");
    assertThatThrownBy(findings::requireNone)
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("spark.speculation is on");
  }

  @Test
  void aClassPathWithoutDeltaIsRefused() {
    assertThatThrownBy(() -> EarlyChecks.requireDelta(ClassLoader.getPlatformClassLoader()))
        .isInstanceOf(JobException.class)
        .hasMessageStartingWith("Delta Lake is not on Spark's class path;");
  }

  @Test
  void aHistogramHasBinsThatDouble() {
    TokenHistogram histogram = new TokenHistogram(new int[] {5, 6, 7, 9, 40});
    assertThat(histogram.summary()).isEqualTo("least 5, median 7, 95 % 40, most 40");
    assertThat(histogram.lines())
        .containsExactly(
            "         4 -        7  " + "#".repeat(40) + "  3",
            "         8 -       15  " + "#".repeat(14) + " ".repeat(26) + "  1",
            "        16 -       31  " + " ".repeat(40) + "  0",
            "        32 -       63  " + "#".repeat(14) + " ".repeat(26) + "  1");
  }

  /** P 512, R 32, c 4 keeps 128 rows of each 512; 1,000 pages hold 64,000 rows. */
  @Test
  void moreSequencesFitWhereTheCacheIsCompressed() {
    KvPolicySettings rpc = new KvPolicySettings("rpc", 512, 32, 4, "paper", Map.of());
    KvFit full = KvFit.of(KvFit.full(), 1_000, 64, 4_096);
    // 4,160 rows are 65 pages at the end, and half of the output on average.
    assertThat(full.atPeak()).isEqualTo(1_000 / 65);
    assertThat(full.spread()).isBetween(27, 30);
    KvFit compressed = KvFit.of(rpc, 1_000, 64, 4_096);
    assertThat(compressed.atPeak()).isGreaterThan(2 * full.atPeak());
    assertThat(compressed.spread()).isGreaterThan(2 * full.spread());
    assertThat(KvFit.of(rpc, 1, 64, 4_096).atPeak()).isZero();
  }

  private static Measured measured(
      int finished, int unfinished, long tokens, double seconds, int lanes, double full) {
    ArrayList<Measured.Finished> rows = new ArrayList<>();
    for (int i = 0; i < finished; i++) {
      rows.add(new Measured.Finished("row " + i, 10, 50, "stop", ""));
    }
    return new Measured(
        "1", "host", null, true, 1, rows, lanes, tokens, seconds, full, unfinished, "");
  }

  @Test
  void anEstimateScalesFromTheSampleToTheRun() {
    Estimate.Plan plan = new Estimate.Plan(10_000, 4, 32, 4_096);
    Estimate range = Estimate.of(measured(25, 0, 25_000, 50, 32, 600), plan).orElseThrow();
    assertThat(range.slowest()).isEqualTo(4 * 500);
    assertThat(range.fastest()).isEqualTo(4 * 600);
    // A mean of 1,000 with an error of 1.645 / 5.
    assertThat(range.fewestTokens()).isBetween(7.5e6, 7.6e6);
    assertThat(range.mostTokens()).isBetween(13.2e6, 13.3e6);
    assertThat(range.soonest()).isBetween(Duration.ofSeconds(3_100), Duration.ofSeconds(3_200));
    assertThat(range.latest()).isBetween(Duration.ofSeconds(6_600), Duration.ofSeconds(6_800));
    assertThat(range.time()).isEqualTo("52.3 to 111.9 minutes");
    assertThat(range.cost(4, OptionalDouble.of(2)))
        .isEqualTo("3.48 to 7.46 engine hours, at 2.00 an hour 6.97 to 14.92");
    assertThat(Estimate.of(measured(0, 0, 0, 0, 0, 0), plan)).isEmpty();
  }

  @Test
  void withNoRowFinishedLengthsLieBetweenWhatWasSeenAndTheBudget() {
    Estimate range =
        Estimate.of(measured(0, 8, 4_000, 10, 8, 0), new Estimate.Plan(100, 1, 32, 4_096))
            .orElseThrow();
    assertThat(range.fewestTokens()).isEqualTo(100 * 500);
    assertThat(range.mostTokens()).isEqualTo(100 * 4_096);
    assertThat(range.fastest()).as("four times as many rows at once").isEqualTo(4 * 400);
  }

  /** Exponential lengths on equal lanes: the truth should lie in the range most of the time. */
  @Test
  void theRangeOfTokensHoldsTheTruth() {
    long seed = Long.getLong("tests.seed", 42);
    Random random = new Random(seed);
    int inside = 0;
    for (int trial = 0; trial < 300; trial++) {
      double deadline = 900;
      double[] lengths =
          IntStream.range(0, 32)
              .mapToDouble(i -> -1_000 * Math.log(1 - random.nextDouble()))
              .toArray();
      int finished = 0;
      double tokens = 0;
      for (double length : lengths) {
        finished += length <= deadline ? 1 : 0;
        tokens += Math.min(length, deadline);
      }
      Estimate range =
          Estimate.of(
                  measured(finished, 32 - finished, Math.round(tokens), 900, 32, 0),
                  new Estimate.Plan(1, 1, 32, 1_000_000))
              .orElseThrow();
      if (range.fewestTokens() <= 1_000 && 1_000 <= range.mostTokens()) {
        inside++;
      }
    }
    assertThat(inside).as("of 300, seed %d", seed).isBetween(255, 295);
  }

  @Test
  void speedWhileFullIsTakenWhereMostRowsRan() {
    EngineProbe.Speed speed = new EngineProbe.Speed();
    long second = 1_000_000_000;
    // Two seconds of prompts, ten of 4 rows at 10 tokens a second each, ten of one row.
    for (int at = 0; at <= 22; at++) {
      int running = at < 12 ? 4 : 1;
      long tokens = at < 2 ? 0 : at <= 12 ? 40L * (at - 2) : 400 + 10L * (at - 12);
      speed.look(at * second, running, tokens);
    }
    assertThat(speed.lanes()).isEqualTo(4);
    assertThat(speed.tokens()).isEqualTo(500);
    assertThat(speed.seconds()).isEqualTo(22);
    assertThat(speed.fullTokensPerSecond()).isEqualTo(40);
  }
}
