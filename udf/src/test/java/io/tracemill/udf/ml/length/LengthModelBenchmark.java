package io.tracemill.udf.ml.length;

import io.tracemill.udf.ml.MlSession;
import io.tracemill.udf.ml.length.DemoLengths.Length;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;

/**
 * The figures of {@code docs/results-mllib.md}: learners on traces they have not seen, and what a
 * model of half of the demo's traces is worth to runs over the other half. A program, no test: run
 * its main with the test class path of this module.
 */
public final class LengthModelBenchmark {
  private static final int SEEDS = 20;
  private static final int BUDGET = 3000;

  private LengthModelBenchmark() {}

  /** A row with its true length and what the model says. */
  private record Row(double tokens, double location) {}

  /** Prints the tables; with an argument, without those of the learners; with two, forecasts. */
  public static void main(String[] args) {
    SparkSession spark = MlSession.get();
    spark.sparkContext().setLogLevel("ERROR");
    List<Length> lengths = new ArrayList<>(DemoLengths.all());
    Collections.shuffle(lengths, new Random(1));
    for (int budget : args.length > 0 ? new int[0] : new int[] {BUDGET, 1500}) {
      long start = System.nanoTime();
      TraceLengthModel model =
          new TraceLengthEstimator().fit(DemoLengths.table(spark, lengths, budget));
      print(
          "all 600 traces, budget %d: %s, %.0f s",
          budget, model.getOrDefault(model.learner()), (System.nanoTime() - start) / 1e9);
      model.scores().forEach(score -> print("  loss %.4f  %s", score.loss(), score));
    }
    List<Length> known = lengths.subList(0, 300);
    List<Length> unknown = lengths.subList(300, 600);
    TraceLengthModel model =
        new TraceLengthEstimator()
            .setLearners(new String[] {"linear", "gbt"})
            .fit(DemoLengths.table(spark, known, BUDGET));
    List<Row> rows =
        unknown.stream()
            .map(each -> new Row(each.tokens(), model.predict(each.prompt()).location()))
            .toList();
    print(
        "model of 300 traces: %s; correlation of log lengths on the other 300: %.3f",
        model.getOrDefault(model.learner()), correlation(rows));
    print("totals of folds that it had not seen: %.3f off", model.getOrDefault(model.totalError()));
    if (args.length < 2) {
      dealing(rows);
    }
    forecasts(spark, model, unknown, rows);
    spark.stop();
  }

  private static void dealing(List<Row> rows) {
    print("makespan in steps, mean of %d seeds (tail after 95 %% of rows; use of lanes)", SEEDS);
    record Layout(int rows, int engines, int lanes, int tasks, int rowsOfTask) {}
    for (Layout layout :
        List.of(
            new Layout(300, 1, 32, 2, 60),
            new Layout(600, 1, 32, 2, 64),
            new Layout(2000, 4, 64, 4, 64),
            new Layout(2000, 4, 64, 4, 125),
            new Layout(8000, 8, 64, 8, 32),
            new Layout(8000, 8, 64, 16, 16))) {
      DealSimulation stage = new DealSimulation(layout.engines, layout.lanes, layout.tasks);
      int partitions = (layout.rows + layout.rowsOfTask - 1) / layout.rowsOfTask;
      double[][] sums = new double[6][3];
      for (int seed = 0; seed < SEEDS; seed++) {
        Random random = new Random(seed);
        List<Row> drawn =
            layout.rows == rows.size()
                ? new ArrayList<>(rows)
                : random.ints(layout.rows, 0, rows.size()).mapToObj(rows::get).toList();
        drawn = new ArrayList<>(drawn);
        Collections.shuffle(drawn, random);
        List<Row> byModel = new ArrayList<>(drawn);
        byModel.sort(Comparator.comparingDouble(Row::location).reversed());
        List<Row> byTruth = new ArrayList<>(drawn);
        byTruth.sort(Comparator.comparingDouble(Row::tokens).reversed());
        add(sums[0], stage.run(dealt(drawn, partitions)));
        add(sums[1], stage.run(dealt(byModel, partitions)));
        add(sums[2], stage.run(dealt(byTruth, partitions)));
        add(sums[3], stage.run(rounds(byModel, partitions, layout.engines * layout.tasks)));
        add(sums[4], stage.run(rounds(byTruth, partitions, layout.engines * layout.tasks)));
        add(sums[5], stage.run(cut(byModel, partitions)));
      }
      String[] names = {
        "evenly", "cards", "cards, truth", "rounds", "rounds, truth", "sorted, cut"
      };
      StringBuilder line = new StringBuilder(layout.toString());
      for (int i = 0; i < names.length; i++) {
        line.append(
            String.format(
                Locale.ROOT,
                "%n    %-15s %.0f (%.0f; %.0f %%)  %.3f",
                names[i],
                sums[i][0] / SEEDS,
                sums[i][1] / SEEDS,
                100 * sums[i][2] / SEEDS,
                sums[i][0] / sums[0][0]));
      }
      print("  %s", line);
    }
  }

  private static void add(double[] sums, DealSimulation.Outcome outcome) {
    sums[0] += outcome.makespan();
    sums[1] += outcome.tail();
    sums[2] += outcome.use();
  }

  private static List<List<Double>> dealt(List<Row> rows, int partitions) {
    List<List<Double>> dealt = new ArrayList<>();
    IntStream.range(0, partitions).forEach(i -> dealt.add(new ArrayList<>()));
    for (int i = 0; i < rows.size(); i++) {
      dealt.get(i % partitions).add(rows.get(i).tokens());
    }
    return dealt;
  }

  private static List<List<Double>> rounds(List<Row> rows, int partitions, int tasks) {
    LongestFirst.Hands hands =
        new LongestFirst.Hands(rows.size(), partitions, Math.min(partitions, tasks));
    List<List<Double>> dealt = new ArrayList<>();
    IntStream.range(0, partitions).forEach(i -> dealt.add(new ArrayList<>()));
    for (int i = 0; i < rows.size(); i++) {
      dealt.get(hands.partition(i)).add(rows.get(i).tokens());
    }
    return dealt;
  }

  private static List<List<Double>> cut(List<Row> rows, int partitions) {
    List<List<Double>> cut = new ArrayList<>();
    for (int i = 0; i < partitions; i++) {
      int from = i * rows.size() / partitions;
      int to = (i + 1) * rows.size() / partitions;
      cut.add(rows.subList(from, to).stream().map(Row::tokens).toList());
    }
    return cut;
  }

  /** The time to go, told at shares of the run, with and without the model. */
  private static void forecasts(
      SparkSession spark, TraceLengthModel model, List<Length> unknown, List<Row> rows) {
    int lanes = 32;
    RunForecast forecast =
        RunForecast.of(model, DemoLengths.table(spark, unknown, BUDGET), "prompt", BUDGET);
    print(
        "time to go of 300 rows on %d lanes, %d seeds: median error, share inside the range",
        lanes, SEEDS);
    for (RunForecast.Order order : RunForecast.Order.values()) {
      RunForecast.Steps steps = forecast.steps(lanes, order);
      for (double share : new double[] {0, 0.1, 0.25, 0.5, 0.75, 0.9}) {
        List<Double> with = new ArrayList<>();
        List<Double> without = new ArrayList<>();
        int withInside = 0;
        int withoutInside = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
          List<Row> order1 = new ArrayList<>(rows);
          Collections.shuffle(order1, new Random(seed));
          if (order == RunForecast.Order.LONGEST_FIRST) {
            order1.sort(Comparator.comparingDouble(Row::location).reversed());
          }
          List<List<Double>> partitions =
              order == RunForecast.Order.LONGEST_FIRST ? rounds(order1, 5, 2) : dealt(order1, 5);
          DealSimulation.Outcome outcome = new DealSimulation(1, lanes, 2).run(partitions);
          double now = share * outcome.makespan();
          double truth = outcome.makespan() - now;
          RunForecast.Steps left = steps.minus(now);
          with.add(Math.abs(left.middle() - truth) / truth);
          withInside += left.low() <= truth && truth <= left.high() ? 1 : 0;
          long done = Arrays.stream(outcome.ends()).filter(end -> end <= now).count();
          ExponentialEta plain = ExponentialEta.of(now, done, rows.size(), lanes);
          without.add(plain.known ? Math.abs(plain.middle - truth) / truth : Double.NaN);
          withoutInside += plain.known && plain.low <= truth && truth <= plain.high ? 1 : 0;
        }
        print(
            "  %s at %2.0f %%: model %.2f (%d of %d inside), rows only %.2f (%d inside)",
            order, 100 * share, median(with), withInside, SEEDS, median(without), withoutInside);
      }
    }
  }

  /**
   * The progress line's estimate without a model ({@code io.tracemill.job.progress.Eta}), in steps:
   * lengths taken as exponential.
   */
  private static final class ExponentialEta {
    private final boolean known;
    private final double low;
    private final double middle;
    private final double high;

    private ExponentialEta(boolean known, double low, double middle, double high) {
      this.known = known;
      this.low = low;
      this.middle = middle;
      this.high = high;
    }

    static ExponentialEta of(double elapsed, long done, long rows, int lanes) {
      if (done < 3) {
        return new ExponentialEta(false, 0, 0, 0);
      }
      long left = rows - done;
      int draining = (int) Math.min(left, lanes);
      double row = elapsed * lanes / done;
      double full = (double) (left - draining) / lanes;
      double time = row * (full + harmonic(draining, 1));
      double error =
          1.645
              * Math.sqrt(time * time / done + row * row * (full / lanes + harmonic(draining, 2)));
      return new ExponentialEta(true, Math.max(0, time - error), time, time + error);
    }

    private static double harmonic(int terms, int power) {
      double sum = 0;
      for (int i = 1; i <= terms; i++) {
        sum += 1 / Math.pow(i, power);
      }
      return sum;
    }
  }

  private static double median(List<Double> values) {
    double[] sorted =
        values.stream().mapToDouble(Double::doubleValue).filter(v -> !Double.isNaN(v)).toArray();
    Arrays.sort(sorted);
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }

  private static double correlation(List<Row> rows) {
    double n = rows.size();
    double x = rows.stream().mapToDouble(Row::location).sum() / n;
    double y = rows.stream().mapToDouble(row -> Math.log(row.tokens())).sum() / n;
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (Row row : rows) {
      double a = row.location() - x;
      double b = Math.log(row.tokens()) - y;
      xy += a * b;
      xx += a * a;
      yy += b * b;
    }
    return xy / Math.sqrt(xx * yy);
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
