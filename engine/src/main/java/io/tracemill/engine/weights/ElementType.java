package io.tracemill.engine.weights;

/** Element types of checkpoint tensors. */
public enum ElementType {
  BF16(2),
  FP16(2),
  FP32(4);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes per element. */
  public int bytes() {
    return bytes;
  }
}
