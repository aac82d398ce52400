package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.types.DataTypes.DoubleType;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;

/**
 * What a run will need, before it starts: tokens, and decode steps on a number of lanes. Lengths
 * are drawn for all rows from their predicted distributions and laid onto the lanes one after the
 * other, several times over; the spread of the outcomes, widened by how far totals of prompts that
 * the model had not seen were off, is the range.
 */
public final class RunForecast {
  /** Rows that are drawn one by one; so large a random sample stands for any number of rows. */
  public static final int MOST_ROWS_DRAWN = 50_000;

  private static final int DRAWS = 24;

  /** A range from 10 % to 90 % is so many standard errors wide to either side. */
  private static final double STANDARD_ERRORS = 1.282;

  private final double[] locations;
  private final double[] residuals;
  private final double totalError;
  private final long rows;
  private final long budgetTokens;

  /** The order in which rows start. */
  public enum Order {
    /** As they come. */
    AS_DEALT,
    /** By predicted length, as {@link LongestFirst} deals them. */
    LONGEST_FIRST
  }

  /**
   * A range of decode steps.
   *
   * @param low one outcome in ten is below
   * @param middle the median
   * @param high one in ten is above
   */
  public record Steps(double low, double middle, double high) {
    /** What is left after so many steps. */
    public Steps minus(double done) {
      return new Steps(
          Math.max(0, low - done), Math.max(0, middle - done), Math.max(0, high - done));
    }
  }

  private RunForecast(TraceLengthModel model, double[] locations, long rows, long budgetTokens) {
    if (locations.length == 0 || rows < locations.length) {
      throw new IllegalArgumentException("%d rows, %d predicted".formatted(rows, locations.length));
    }
    this.locations = locations;
    this.residuals = model.learned().residualQuantiles();
    this.totalError = (Double) model.getOrDefault(model.totalError());
    this.rows = rows;
    this.budgetTokens = budgetTokens;
  }

  /**
   * Predicts all rows, or a random part of very many; Spark actions that gather a number a row.
   *
   * @param promptColumn column with the prompt's text
   * @param budgetTokens at which every output ends
   */
  public static RunForecast of(
      TraceLengthModel model, Dataset<Row> rows, String promptColumn, long budgetTokens) {
    long all = rows.count();
    Dataset<Row> some =
        all <= MOST_ROWS_DRAWN ? rows : rows.sample((double) MOST_ROWS_DRAWN / all, 0);
    return ofSample(model, some, col(promptColumn), all, budgetTokens);
  }

  /**
   * Predicts rows that stand for more.
   *
   * @param sample a random part of the rows, or all; some ten thousand are enough
   * @param prompt the prompt as text
   * @param rows that the sample stands for
   * @param budgetTokens at which every output ends
   */
  public static RunForecast ofSample(
      TraceLengthModel model, Dataset<Row> sample, Column prompt, long rows, long budgetTokens) {
    LengthPredictor predictor = model.learned();
    UDF1<String, Double> location = text -> predictor.predict(text).location();
    List<Double> locations =
        sample
            .select(udf(location, DoubleType).apply(prompt))
            .as(Encoders.DOUBLE())
            .collectAsList();
    return new RunForecast(
        model, locations.stream().mapToDouble(Double::doubleValue).toArray(), rows, budgetTokens);
  }

  /** Predicts prompts on the driver that stand for more; as {@link #ofSample}. */
  public static RunForecast ofPrompts(
      TraceLengthModel model, List<String> sample, long rows, long budgetTokens) {
    LengthPredictor predictor = model.learned();
    double[] locations =
        sample.stream()
            .map(Objects::requireNonNull)
            .mapToDouble(prompt -> predictor.predict(prompt).location())
            .toArray();
    return new RunForecast(model, locations, rows, budgetTokens);
  }

  /** Rows of the run. */
  public long rows() {
    return rows;
  }

  /** Tokens that will be generated, on average. */
  public double expectedTokens() {
    return expectedTokens(rows);
  }

  /** Relative error of a total, one sigma, as it was on prompts that the model had not seen. */
  public double totalError() {
    return totalError;
  }

  private double expectedTokens(long ofRows) {
    double sum = 0;
    for (double location : locations) {
      sum += new LengthDistribution(location, residuals).meanTokens(budgetTokens);
    }
    return sum / locations.length * ofRows;
  }

  /**
   * Decode steps until the last row ends, where all rows are dealt at once.
   *
   * @param lanes rows that run at once on all engines, at least 1
   */
  public Steps steps(int lanes, Order order) {
    return steps(lanes, order, rows);
  }

  /**
   * Decode steps until the last row ends.
   *
   * @param lanes rows that run at once on all engines, at least 1
   * @param order within a wave
   * @param waveRows rows that are dealt together; a wave begins when the one before has begun
   */
  public Steps steps(int lanes, Order order, long waveRows) {
    if (lanes < 1 || waveRows < 1) {
      throw new IllegalArgumentException("%d lanes, waves of %d".formatted(lanes, waveRows));
    }
    // Beyond so many rows only their sum counts: the lanes are full for all but the last ones.
    int drawn = (int) Math.min(rows, MOST_ROWS_DRAWN);
    double before = expectedTokens(rows - drawn) / lanes;
    double[] outcomes = new double[DRAWS];
    for (int draw = 0; draw < DRAWS; draw++) {
      SplittableRandom random = new SplittableRandom(draw);
      double[] started = started(drawn, order, (int) Math.min(drawn, waveRows), random);
      outcomes[draw] = before + laidOut(started, lanes, random);
    }
    Arrays.sort(outcomes);
    return new Steps(
        outcomes[DRAWS / 10] / (1 + STANDARD_ERRORS * totalError),
        outcomes[DRAWS / 2],
        outcomes[DRAWS - 1 - DRAWS / 10] * (1 + STANDARD_ERRORS * totalError));
  }

  /** Locations of rows in the order in which they start. */
  private double[] started(int drawn, Order order, int waveRows, SplittableRandom random) {
    double[] started = Arrays.copyOf(locations, drawn);
    for (int i = locations.length; i < drawn; i++) {
      started[i] = locations[random.nextInt(locations.length)];
    }
    for (int i = drawn - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      double swapped = started[i];
      started[i] = started[other];
      started[other] = swapped;
    }
    if (order == Order.LONGEST_FIRST) {
      for (int from = 0; from < drawn; from += waveRows) {
        int to = Math.min(drawn, from + waveRows);
        Arrays.sort(started, from, to);
        reverse(started, from, to);
      }
    }
    return started;
  }

  private static void reverse(double[] values, int from, int to) {
    for (int low = from, high = to - 1; low < high; low++, high--) {
      double swapped = values[low];
      values[low] = values[high];
      values[high] = swapped;
    }
  }

  private double laidOut(double[] started, int lanes, SplittableRandom random) {
    PriorityQueue<Double> ends = new PriorityQueue<>();
    double last = 0;
    for (double location : started) {
      double residual = residuals[random.nextInt(residuals.length)];
      double tokens = Math.min(Math.exp(location + residual), budgetTokens);
      double start = ends.size() < lanes ? 0 : ends.remove();
      ends.add(start + tokens);
      last = Math.max(last, start + tokens);
    }
    return last;
  }
}
