package io.tracemill.engine.compress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Statistics of a model's queries before the rotary embedding, per layer, query head and rotary
 * pair: the mean as a complex number, {@code mean(q[i] + sqrt(-1) q[i + headDim / 2])}, and the
 * mean modulus. Made by {@link QuerySums}; immutable.
 *
 * <p>File: little-endian; int32 {@code 0x43514d54} ("TMQC"), version 1, layers, heads, pairs; int64
 * tokens; then float32 {@code [layers][heads][pairs][3]}: real part, imaginary part, modulus.
 */
public final class QueryCalibration {
  static final int MAGIC = 0x43514d54;
  static final int VERSION = 1;
  static final int VALUES = 3;
  private static final int HEADER_BYTES = 5 * Integer.BYTES + Long.BYTES;

  private final int numLayers;
  private final int numHeads;
  private final int numPairs;
  private final long tokens;
  private final float[] values;

  QueryCalibration(int numLayers, int numHeads, int numPairs, long tokens, float[] values) {
    if (values.length != (long) numLayers * numHeads * numPairs * VALUES) {
      throw new IllegalArgumentException(
          "%d values for %d layers, %d heads, %d pairs"
              .formatted(values.length, numLayers, numHeads, numPairs));
    }
    this.numLayers = numLayers;
    this.numHeads = numHeads;
    this.numPairs = numPairs;
    this.tokens = tokens;
    this.values = values;
  }

  /** Layers of the model. */
  public int numLayers() {
    return numLayers;
  }

  /** Query heads per layer. */
  public int numHeads() {
    return numHeads;
  }

  /** Rotary pairs per head: half of its elements. */
  public int numPairs() {
    return numPairs;
  }

  /** Tokens that were averaged. */
  public long tokens() {
    return tokens;
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
    return ((layer * numHeads + head) * numPairs + pair) * VALUES;
  }

  /** Writes the file; one that exists is replaced. */
  public void write(Path file) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(HEADER_BYTES + values.length * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(MAGIC).putInt(VERSION).putInt(numLayers).putInt(numHeads).putInt(numPairs);
    bytes.putLong(tokens);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }

  /**
   * Reads a file.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     it is missing, damaged or of another kind
   */
  public static QueryCalibration read(Path file) {
    byte[] content;
    try {
      content = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw PolicyErrors.unreadableCalibration(file, "there is no such file");
    } catch (IOException e) {
      throw PolicyErrors.unreadableCalibration(file, "reading it failed, " + e.getMessage());
    }
    ByteBuffer bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    if (content.length < HEADER_BYTES || bytes.getInt() != MAGIC) {
      throw PolicyErrors.unreadableCalibration(file, "it does not hold query statistics");
    }
    int version = bytes.getInt();
    if (version != VERSION) {
      throw PolicyErrors.unreadableCalibration(
          file, "its version is %d, known is %d".formatted(version, VERSION));
    }
    int layers = bytes.getInt();
    int heads = bytes.getInt();
    int pairs = bytes.getInt();
    long tokens = bytes.getLong();
    long floats = bytes.remaining() / Float.BYTES;
    boolean sized =
        layers > 0
            && heads > 0
            && pairs > 0
            && (double) layers * heads * pairs * VALUES == floats
            && bytes.remaining() % Float.BYTES == 0;
    if (!sized) {
      throw PolicyErrors.unreadableCalibration(
          file,
          "%d layers of %d heads of %d pairs do not fill its %d bytes; it was not written whole"
              .formatted(layers, heads, pairs, content.length));
    }
    float[] values = new float[(int) floats];
    bytes.asFloatBuffer().get(values);
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw PolicyErrors.unreadableCalibration(file, "it holds a value that is not finite");
      }
    }
    return new QueryCalibration(layers, heads, pairs, tokens, values);
  }
}
