package io.tracemill.udf.ml.length;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.types.DataTypes.DoubleType;

import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;

/**
 * What a run will need, before it starts: tokens, and decode steps on a number of lanes. Lengths
 * are drawn for all rows from their predicted distributions and laid onto the lanes one after the
 * other, several times over; the spread of the outcomes is the range.
 */
public final class RunForecast {
  private static final int DRAWS = 24;
  private static final int MOST_ROWS_DRAWN = 50_000;

  private final double[] locations;
  private final double[] residuals;
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
    public Steps minus(long done) {
      return new Steps(
          Math.max(0, low - done), Math.max(0, middle - done), Math.max(0, high - done));
    }
  }

  private RunForecast(double[] locations, double[] residuals, long budgetTokens) {
    this.locations = locations;
    this.residuals = residuals;
    this.budgetTokens = budgetTokens;
  }

  /**
   * Predicts all rows; one Spark action, which gathers a number for each row.
   *
   * @param promptColumn column with the prompt's text
   * @param budgetTokens at which every output ends
   */
  public static RunForecast of(
      TraceLengthModel model, Dataset<Row> rows, String promptColumn, long budgetTokens) {
    LengthPredictor predictor = model.learned();
    UDF1<String, Double> location = prompt -> predictor.predict(prompt).location();
    List<Double> locations =
        rows.select(udf(location, DoubleType).apply(col(promptColumn)))
            .as(Encoders.DOUBLE())
            .collectAsList();
    return new RunForecast(
        locations.stream().mapToDouble(Double::doubleValue).toArray(),
        predictor.residualQuantiles(),
        budgetTokens);
  }

  /** Rows of the run. */
  public int rows() {
    return locations.length;
  }

  /** Tokens that will be generated, on average. */
  public double expectedTokens() {
    return expectedTokens(0, locations.length);
  }

  private double expectedTokens(int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      sum += new LengthDistribution(locations[i], residuals).meanTokens(budgetTokens);
    }
    return sum;
  }

  /**
   * Decode steps until the last row ends.
   *
   * @param lanes rows that run at once on all engines, at least 1
   */
  public Steps steps(int lanes, Order order) {
    if (lanes < 1) {
      throw new IllegalArgumentException(lanes + " lanes");
    }
    // Beyond so many rows only their sum counts: the lanes are full for all but the last ones.
    int drawn = Math.min(locations.length, MOST_ROWS_DRAWN);
    double before = expectedTokens(drawn, locations.length) / lanes;
    double[] outcomes = new double[DRAWS];
    for (int draw = 0; draw < DRAWS; draw++) {
      outcomes[draw] = before + steps(lanes, order, drawn, new SplittableRandom(draw));
    }
    Arrays.sort(outcomes);
    return new Steps(outcomes[DRAWS / 10], outcomes[DRAWS / 2], outcomes[DRAWS - 1 - DRAWS / 10]);
  }

  private double steps(int lanes, Order order, int drawn, SplittableRandom random) {
    double[] sorted = Arrays.copyOf(locations, drawn);
    if (order == Order.LONGEST_FIRST) {
      Arrays.sort(sorted);
    }
    PriorityQueue<Double> ends = new PriorityQueue<>();
    double last = 0;
    for (int i = sorted.length - 1; i >= 0; i--) {
      double residual = residuals[random.nextInt(residuals.length)];
      double tokens = Math.min(Math.exp(sorted[i] + residual), budgetTokens);
      double start = ends.size() < lanes ? 0 : ends.remove();
      ends.add(start + tokens);
      last = Math.max(last, start + tokens);
    }
    return last;
  }
}
