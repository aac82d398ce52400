package io.tracemill.udf.ml.length;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What {@code GBTRegressor} of Spark ML finds, found in this thread: there each level of each tree
 * is a Spark job, which for a few thousand rows takes a hundred times as long as its work. Boosting
 * of the squared error (Friedman, Greedy function approximation, 2001): the first tree learns the
 * labels and counts whole, each later one learns twice what is left, and counts by the step.
 * Features are cut into bins once, and a node is split where the variance falls most, of equals at
 * the first feature and the lowest threshold.
 *
 * <p>Equal to Spark's up to {@value #MOST_ROWS} rows; of more Spark draws those that it takes the
 * thresholds from.
 */
final class BoostedTrees {
  static final int MOST_ROWS = 10_000;
  private static final int BINS = 32;

  private final double[][] thresholds;
  private final byte[][] bins;
  private final Shape shape;
  private final List<Node> trees = new ArrayList<>();

  /**
   * Of the model.
   *
   * @param trees that are grown
   * @param depth splits between root and leaf at most
   * @param step what a tree after the first counts
   */
  record Shape(int trees, int depth, double step) {}

  /** A leaf where {@code left} is null. */
  private record Node(double prediction, int feature, double threshold, Node left, Node right) {
    double predict(double[] row) {
      Node node = this;
      while (node.left != null) {
        node = row[node.feature] <= node.threshold ? node.left : node.right;
      }
      return node.prediction;
    }
  }

  /** Of the labels of some rows. */
  private record Sums(double count, double sum, double squares) {
    double variance() {
      return count == 0 ? 0 : (squares - sum * sum / count) / count;
    }

    double mean() {
      return count == 0 ? 0 : sum / count;
    }

    Sums less(Sums part) {
      return new Sums(count - part.count, sum - part.sum, squares - part.squares);
    }
  }

  private record Split(int feature, int bin, double gain, Sums left, Sums right) {}

  /**
   * Fits.
   *
   * @param features {@code [numRows][numFeatures]}
   * @param labels of the rows
   */
  BoostedTrees(double[][] features, double[] labels, Shape shape) {
    this.shape = shape;
    int numFeatures = features[0].length;
    thresholds = new double[numFeatures][];
    bins = new byte[features.length][numFeatures];
    for (int j = 0; j < numFeatures; j++) {
      thresholds[j] = thresholds(features, j);
      for (int i = 0; i < features.length; i++) {
        int at = Arrays.binarySearch(thresholds[j], features[i][j]);
        bins[i][j] = (byte) (at >= 0 ? at : -at - 1);
      }
    }
    int[] all = new int[features.length];
    Arrays.setAll(all, i -> i);
    double[] predicted = new double[features.length];
    double[] left = labels.clone();
    for (int t = 0; t < shape.trees; t++) {
      Node tree = grow(all, left, sums(all, left), 0);
      double weight = t == 0 ? 1 : shape.step;
      for (int i = 0; i < features.length; i++) {
        predicted[i] += tree.predict(features[i]) * weight;
        left[i] = 2 * (labels[i] - predicted[i]);
      }
      trees.add(tree);
    }
  }

  /** The prediction for a row. */
  double predict(double[] row) {
    double sum = 0;
    for (int t = 0; t < trees.size(); t++) {
      sum += trees.get(t).predict(row) * (t == 0 ? 1 : shape.step);
    }
    return sum;
  }

  /** Midpoints between values: between all where they are few, else with equally many rows. */
  private static double[] thresholds(double[][] features, int feature) {
    Map<Double, Integer> counts = new TreeMap<>();
    for (double[] row : features) {
      counts.merge(row[feature] + 0.0, 1, Integer::sum); // No negative zero.
    }
    double[] values = counts.keySet().stream().mapToDouble(Double::doubleValue).toArray();
    int numSplits = Math.min(BINS, features.length) - 1;
    double[] found = new double[values.length - 1];
    int numFound = 0;
    double stride = (double) features.length / (numSplits + 1);
    double target = stride;
    long below = counts.get(values[0]);
    for (int k = 1; k < values.length; k++) {
      long with = below + counts.get(values[k]);
      if (found.length <= numSplits || Math.abs(below - target) < Math.abs(with - target)) {
        found[numFound++] = (values[k - 1] + values[k]) / 2;
        target += stride;
      }
      below = with;
    }
    return Arrays.copyOf(found, numFound);
  }

  private static Sums sums(int[] rows, double[] labels) {
    double sum = 0;
    double squares = 0;
    for (int row : rows) {
      sum += labels[row];
      squares += labels[row] * labels[row];
    }
    return new Sums(rows.length, sum, squares);
  }

  private Node grow(int[] rows, double[] labels, Sums of, int level) {
    Split best =
        level == shape.depth || level > 0 && of.variance() == 0 ? null : split(rows, labels, of);
    if (best == null || best.gain <= 0) {
      return new Node(of.mean(), 0, 0, null, null);
    }
    int[] left = Arrays.stream(rows).filter(row -> bins[row][best.feature] <= best.bin).toArray();
    int[] right = Arrays.stream(rows).filter(row -> bins[row][best.feature] > best.bin).toArray();
    return new Node(
        of.mean(),
        best.feature,
        thresholds[best.feature][best.bin],
        grow(left, labels, best.left, level + 1),
        grow(right, labels, best.right, level + 1));
  }

  /** The split that takes most off the variance; null where none leaves rows on both sides. */
  private Split split(int[] rows, double[] labels, Sums of) {
    Split best = null;
    for (int j = 0; j < thresholds.length; j++) {
      int numBins = thresholds[j].length + 1;
      double[] count = new double[numBins];
      double[] sum = new double[numBins];
      double[] squares = new double[numBins];
      for (int row : rows) {
        int bin = bins[row][j];
        count[bin]++;
        sum[bin] += labels[row];
        squares[bin] += labels[row] * labels[row];
      }
      for (int bin = 1; bin < numBins; bin++) {
        count[bin] += count[bin - 1];
        sum[bin] += sum[bin - 1];
        squares[bin] += squares[bin - 1];
      }
      Sums all = new Sums(count[numBins - 1], sum[numBins - 1], squares[numBins - 1]);
      for (int bin = 0; bin < numBins - 1; bin++) {
        Sums left = new Sums(count[bin], sum[bin], squares[bin]);
        Sums right = all.less(left);
        if (left.count == 0 || right.count == 0) {
          continue;
        }
        double gain =
            of.variance()
                - left.count / all.count * left.variance()
                - right.count / all.count * right.variance();
        if (gain >= 0 && (best == null || gain > best.gain)) {
          best = new Split(j, bin, gain, left, right);
        }
      }
    }
    return best;
  }
}
