package io.tracemill.engine.compress;

import java.util.Objects;

/**
 * Statistics of a model's queries before the rotary embedding, per layer, query head and rotary
 * pair: the mean as a complex number, {@code mean(q[i] + sqrt(-1) q[i + headDim / 2])}, and the
 * mean modulus. Made by {@link QuerySums}, kept by {@link CalibrationFile}; immutable.
 */
public final class QueryCalibration {
  /** Real part, imaginary part, modulus. */
  static final int VALUES = 3;

  private final Shape shape;
  private final Origin origin;
  private final float[] values;

  /**
   * Sizes of a model.
   *
   * @param layers layers
   * @param heads query heads per layer
   * @param pairs rotary pairs per head, half of its elements
   */
  record Shape(int layers, int heads, int pairs) {
    /** Values of a calibration; as a number that cannot overflow. */
    double size() {
      return (double) layers * heads * pairs * VALUES;
    }
  }

  /**
   * What was averaged.
   *
   * @param model whose queries
   * @param tokens how many tokens
   * @param texts of how many texts
   */
  public record Origin(CalibratedModel model, long tokens, long texts) {
    public Origin {
      Objects.requireNonNull(model, "model");
    }
  }

  /**
   * Joins the parts.
   *
   * @param values {@code [layers, heads, pairs, 3]}, finite; not copied
   */
  QueryCalibration(Shape shape, Origin origin, float[] values) {
    if (values.length != shape.size()) {
      throw new IllegalArgumentException("%d values for %s".formatted(values.length, shape));
    }
    this.shape = shape;
    this.origin = origin;
    this.values = values;
  }

  /** Layers of the model. */
  public int numLayers() {
    return shape.layers();
  }

  /** Query heads per layer. */
  public int numHeads() {
    return shape.heads();
  }

  /** Rotary pairs per head: half of its elements. */
  public int numPairs() {
    return shape.pairs();
  }

  /** What was averaged. */
  public Origin origin() {
    return origin;
  }

  /** Real part of a pair's mean query. */
  public float meanReal(int layer, int head, int pair) {
    return values[index(layer, head, pair)];
  }

  /** Imaginary part of a pair's mean query. */
  public float meanImaginary(int layer, int head, int pair) {
    return values[index(layer, head, pair) + 1];
  }

  /** Mean modulus of a pair's queries; at least the modulus of the mean. */
  public float meanModulus(int layer, int head, int pair) {
    return values[index(layer, head, pair) + 2];
  }

  private int index(int layer, int head, int pair) {
    return ((layer * shape.heads() + head) * shape.pairs() + pair) * VALUES;
  }

  Shape shape() {
    return shape;
  }

  /** All values, {@code [layers, heads, pairs, 3]}; not to be changed. */
  float[] values() {
    return values;
  }
}
