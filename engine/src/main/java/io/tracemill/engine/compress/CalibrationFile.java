package io.tracemill.engine.compress;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The file form of a {@link QueryCalibration}; equal calibrations have equal bytes.
 *
 * <p>Little-endian: int32 {@code 0x43514d54} ("TMQC"), version 2, layers, heads, pairs; int64
 * tokens, texts; the model's name and content hash, each as an int32 length and so many bytes of
 * UTF-8; then float32 {@code [layers][heads][pairs][3]}: real part, imaginary part, modulus.
 */
public final class CalibrationFile {
  /** More than the largest model's calibration: whatever is larger is something else. */
  public static final long MAX_BYTES = 1L << 28;

  private static final int MAGIC = 0x43514d54;
  private static final int VERSION = 2;
  private static final int FIXED_BYTES = 5 * Integer.BYTES + 2 * Long.BYTES;
  private static final int MAX_TEXT_BYTES = 1 << 12;

  private final String name;
  private final ByteBuffer bytes;

  private CalibrationFile(String name, byte[] content) {
    this.name = name;
    this.bytes = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The content of a calibration's file. */
  public static byte[] write(QueryCalibration calibration) {
    CalibratedModel model = calibration.origin().model();
    byte[] modelName = model.name().getBytes(StandardCharsets.UTF_8);
    byte[] modelHash = model.contentHash().getBytes(StandardCharsets.UTF_8);
    float[] values = calibration.values();
    ByteBuffer bytes =
        ByteBuffer.allocate(
                FIXED_BYTES
                    + 2 * Integer.BYTES
                    + modelName.length
                    + modelHash.length
                    + values.length * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(MAGIC).putInt(VERSION);
    bytes.putInt(calibration.numLayers()).putInt(calibration.numHeads());
    bytes.putInt(calibration.numPairs());
    bytes.putLong(calibration.origin().tokens()).putLong(calibration.origin().texts());
    bytes.putInt(modelName.length).put(modelName);
    bytes.putInt(modelHash.length).put(modelHash);
    bytes.asFloatBuffer().put(values);
    return bytes.array();
  }

  /**
   * Reads the content of a file.
   *
   * @param name of the file, for messages
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     it is damaged or of another kind
   */
  public static QueryCalibration read(String name, byte[] content) {
    return new CalibrationFile(name, content).calibration();
  }

  private QueryCalibration calibration() {
    if (bytes.remaining() < FIXED_BYTES || bytes.getInt() != MAGIC) {
      throw PolicyErrors.unreadableCalibration(name, "it does not hold query statistics");
    }
    int version = bytes.getInt();
    if (version != VERSION) {
      throw PolicyErrors.unreadableCalibration(
          name, "its version is %d, known is %d; collect it anew".formatted(version, VERSION));
    }
    QueryCalibration.Shape shape =
        new QueryCalibration.Shape(bytes.getInt(), bytes.getInt(), bytes.getInt());
    long tokens = bytes.getLong();
    long texts = bytes.getLong();
    CalibratedModel model = new CalibratedModel(text(), text());
    int floats = bytes.remaining() / Float.BYTES;
    boolean sized =
        shape.layers() > 0
            && shape.heads() > 0
            && shape.pairs() > 0
            && shape.size() == floats
            && bytes.remaining() % Float.BYTES == 0;
    if (!sized) {
      throw notWhole();
    }
    float[] values = new float[floats];
    bytes.asFloatBuffer().get(values);
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw PolicyErrors.unreadableCalibration(name, "it holds a value that is not finite");
      }
    }
    return new QueryCalibration(shape, new QueryCalibration.Origin(model, tokens, texts), values);
  }

  private String text() {
    int length = bytes.remaining() < Integer.BYTES ? -1 : bytes.getInt();
    if (length < 0 || length > Math.min(MAX_TEXT_BYTES, bytes.remaining())) {
      throw notWhole();
    }
    byte[] text = new byte[length];
    bytes.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private RuntimeException notWhole() {
    return PolicyErrors.unreadableCalibration(
        name, "its %d bytes are not all that it announces".formatted(bytes.capacity()));
  }
}
