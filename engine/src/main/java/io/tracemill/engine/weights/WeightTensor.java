package io.tracemill.engine.weights;

import java.nio.ByteBuffer;
import java.util.List;

/** One named tensor: row-major elements, little-endian, possibly more than 2 GB. */
public interface WeightTensor {

  /** The name in the checkpoint. */
  String name();

  /** Element type as stored. */
  ElementType elementType();

  /**
   * Dimensions, outermost first: {@code [outFeatures, inFeatures]} for a projection, {@code
   * [features]} for a norm.
   */
  List<Integer> shape();

  /** Bytes of the whole tensor. */
  long byteSize();

  /**
   * A read-only little-endian view of a part; nothing is copied where the tensor is mapped. Valid
   * until the checkpoint is closed.
   *
   * @param byteOffset from the tensor's start
   * @param byteLength length, at most {@link Integer#MAX_VALUE}
   */
  ByteBuffer slice(long byteOffset, int byteLength);
}
