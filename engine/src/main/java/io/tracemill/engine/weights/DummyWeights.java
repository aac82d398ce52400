package io.tracemill.engine.weights;

import io.tracemill.engine.model.ModelConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Random bf16 weights of a configuration's shapes, for benchmarks without a checkpoint. Each
 * element is a pure function of (seed, tensor name, index), made when it is read: nothing is held.
 *
 * <p>Norms are 1. Projections are uniform with variance {@code 1 / inFeatures}, so that a product
 * has the size of its input; the embedding has variance 1 and biases 0.01.
 */
public final class DummyWeights implements ModelWeights {
  private final NamedTensors tensors;

  private DummyWeights(NamedTensors tensors) {
    this.tensors = tensors;
  }

  /** Weights of the given shapes. */
  public static DummyWeights of(ModelConfig config, long seed) {
    return new DummyWeights(
        NamedTensors.of(config, (name, shape) -> new RandomTensor(name, shape, seed)));
  }

  @Override
  public WeightTensor embedding() {
    return tensors.embedding();
  }

  @Override
  public List<LayerWeights> layers() {
    return tensors.layers();
  }

  @Override
  public WeightTensor finalNorm() {
    return tensors.finalNorm();
  }

  @Override
  public WeightTensor outputProjection() {
    return tensors.outputProjection();
  }

  @Override
  public void close() {}

  private static final class RandomTensor implements WeightTensor {
    private static final int ELEMENTS_PER_WORD = 4;

    private final String name;
    private final List<Integer> shape;
    private final long elements;
    private final long key;
    private final float center;
    private final float halfWidth;

    RandomTensor(String name, List<Integer> shape, long seed) {
      this.name = name;
      this.shape = List.copyOf(shape);
      this.elements = shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
      this.key = mix(seed ^ mix(name.hashCode()));
      this.center = name.endsWith("norm.weight") ? 1 : 0;
      this.halfWidth = center != 0 ? 0 : (float) Math.sqrt(3 * variance(name, shape));
    }

    private static double variance(String name, List<Integer> shape) {
      if (shape.size() == 1) {
        return 0.01;
      }
      return name.contains("embed_tokens") ? 1 : 1.0 / shape.get(1);
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public ElementType elementType() {
      return ElementType.BF16;
    }

    @Override
    public List<Integer> shape() {
      return shape;
    }

    @Override
    public long byteSize() {
      return elements * ElementType.BF16.bytes();
    }

    @Override
    public ByteBuffer slice(long byteOffset, int byteLength) {
      if (byteOffset < 0
          || byteOffset % 2 != 0
          || byteLength < 0
          || byteLength % 2 != 0
          || byteOffset + byteLength > byteSize()) {
        throw new IllegalArgumentException(
            "no part of %s: %d bytes at %d of %d"
                .formatted(name, byteLength, byteOffset, byteSize()));
      }
      ByteBuffer bytes = ByteBuffer.allocate(byteLength).order(ByteOrder.LITTLE_ENDIAN);
      long first = byteOffset / 2;
      long word = 0;
      for (int i = 0; i < byteLength / 2; i++) {
        long element = first + i;
        if (i == 0 || element % ELEMENTS_PER_WORD == 0) {
          word = mix(key + element / ELEMENTS_PER_WORD);
        }
        short bits = (short) (word >>> (16 * (element % ELEMENTS_PER_WORD)));
        float value = center + halfWidth * (bits / 32768f);
        bytes.putShort(2 * i, Bf16.fromFloat(value));
      }
      return bytes.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The finaliser of SplitMix64. */
    private static long mix(long value) {
      long z = value + 0x9E3779B97F4A7C15L;
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return z ^ (z >>> 31);
    }
  }
}
