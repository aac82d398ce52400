package io.tracemill.engine.backend;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.Bf16;
import io.tracemill.engine.weights.DummyWeights;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.engine.weights.WeightTensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Random weights but for one token, whose embedding is not a number. */
record PoisonedWeights(ModelWeights sound, WeightTensor embedding) implements ModelWeights {

  static PoisonedWeights of(ModelConfig config, long seed, int token) {
    ModelWeights sound = DummyWeights.of(config, seed);
    return new PoisonedWeights(sound, new PoisonedRow(sound.embedding(), token));
  }

  @Override
  public List<LayerWeights> layers() {
    return sound.layers();
  }

  @Override
  public WeightTensor finalNorm() {
    return sound.finalNorm();
  }

  @Override
  public WeightTensor outputProjection() {
    return sound.outputProjection();
  }

  @Override
  public void close() {
    sound.close();
  }

  private record PoisonedRow(WeightTensor tensor, int row) implements WeightTensor {
    @Override
    public String name() {
      return tensor.name();
    }

    @Override
    public ElementType elementType() {
      return tensor.elementType();
    }

    @Override
    public List<Integer> shape() {
      return tensor.shape();
    }

    @Override
    public long byteSize() {
      return tensor.byteSize();
    }

    @Override
    public ByteBuffer slice(long byteOffset, int byteLength) {
      ByteBuffer bytes = ByteBuffer.allocate(byteLength).order(ByteOrder.LITTLE_ENDIAN);
      bytes.put(tensor.slice(byteOffset, byteLength)).flip();
      long rowBytes = (long) shape().get(1) * Short.BYTES;
      long from = Math.max(byteOffset, row * rowBytes);
      long to = Math.min(byteOffset + byteLength, (row + 1) * rowBytes);
      for (long at = from; at < to; at += Short.BYTES) {
        bytes.putShort((int) (at - byteOffset), Bf16.fromFloat(Float.NaN));
      }
      return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
