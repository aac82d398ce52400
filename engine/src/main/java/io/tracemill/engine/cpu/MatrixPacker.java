package io.tracemill.engine.cpu;

import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.Fp16;
import io.tracemill.engine.weights.WeightTensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;

/** Packs checkpoint tensors, one panel at a time on all workers. */
final class MatrixPacker {
  private final WorkerPool pool;

  MatrixPacker(WorkerPool pool) {
    this.pool = pool;
  }

  /** How the rows of several tensors become the outputs of one matrix. */
  enum Arrangement {
    /** One tensor after the other. */
    STACKED,
    /** A panel of the first, a panel of the second, and so on; tensors of equal shape. */
    INTERLEAVED_PANELS
  }

  /** Packs the rows of the tensors into one matrix; their inputs agree. */
  PackedMatrix pack(Arrangement arrangement, List<WeightTensor> tensors) {
    Layout layout = Layout.of(arrangement, tensors);
    boolean bf16 = tensors.stream().allMatch(t -> t.elementType() == ElementType.BF16);
    int panels = PackedMatrix.panelsFor(layout.outFeatures());
    int perPanel = layout.inFeatures() * (bf16 ? Bf16Matrix.PAIRS : PackedMatrix.PANEL_OUTPUTS);
    long length = (long) panels * perPanel;
    if (length > Integer.MAX_VALUE - 8) {
      throw CpuErrors.matrixTooLarge(tensors.get(0).name(), tensors.get(0).shape());
    }
    if (bf16) {
      int[] pairs = new int[(int) length];
      pool.forEach(panels, (panel, worker) -> packBf16(layout, panel, pairs));
      return new Bf16Matrix(layout.outFeatures(), layout.inFeatures(), pairs);
    }
    float[] values = new float[(int) length];
    pool.forEach(panels, (panel, worker) -> packFloat32(layout, panel, values));
    return new Float32Matrix(layout.outFeatures(), layout.inFeatures(), values);
  }

  /** Reads a small tensor, such as a norm or a bias, as float32. */
  static float[] floats(WeightTensor tensor) {
    int elements = Math.toIntExact(tensor.byteSize() / tensor.elementType().bytes());
    float[] values = new float[elements];
    ByteBuffer bytes = tensor.slice(0, Math.toIntExact(tensor.byteSize()));
    for (int i = 0; i < elements; i++) {
      values[i] = element(tensor.elementType(), bytes, i);
    }
    return values;
  }

  private static void packBf16(Layout layout, int panel, int[] pairs) {
    int inFeatures = layout.inFeatures();
    int base = panel * inFeatures * Bf16Matrix.PAIRS;
    short[] row = new short[inFeatures];
    for (int i = 0; i < PackedMatrix.PANEL_OUTPUTS; i++) {
      int output = panel * PackedMatrix.PANEL_OUTPUTS + i;
      WeightTensor tensor = layout.tensorOf(output);
      if (tensor == null) {
        continue;
      }
      long rowBytes = 2L * inFeatures;
      tensor.slice(layout.rowOf(output) * rowBytes, (int) rowBytes).asShortBuffer().get(row);
      int at = base + i % Bf16Matrix.PAIRS;
      int shift = i < Bf16Matrix.PAIRS ? 0 : 16;
      for (int k = 0; k < inFeatures; k++) {
        pairs[at + k * Bf16Matrix.PAIRS] |= (row[k] & 0xFFFF) << shift;
      }
    }
  }

  private static void packFloat32(Layout layout, int panel, float[] values) {
    int inFeatures = layout.inFeatures();
    int base = panel * inFeatures * PackedMatrix.PANEL_OUTPUTS;
    for (int i = 0; i < PackedMatrix.PANEL_OUTPUTS; i++) {
      int output = panel * PackedMatrix.PANEL_OUTPUTS + i;
      WeightTensor tensor = layout.tensorOf(output);
      if (tensor == null) {
        continue;
      }
      int rowBytes = inFeatures * tensor.elementType().bytes();
      ByteBuffer row = tensor.slice((long) layout.rowOf(output) * rowBytes, rowBytes);
      for (int k = 0; k < inFeatures; k++) {
        values[base + k * PackedMatrix.PANEL_OUTPUTS + i] = element(tensor.elementType(), row, k);
      }
    }
  }

  private static float element(ElementType type, ByteBuffer bytes, int index) {
    return switch (type) {
      case BF16 -> Float.intBitsToFloat(bytes.getShort(2 * index) << 16);
      case FP16 -> Fp16.toFloat(bytes.getShort(2 * index));
      case FP32 -> bytes.getFloat(4 * index);
    };
  }

  /** Where each output comes from. */
  private record Layout(
      Arrangement arrangement,
      List<WeightTensor> tensors,
      int[] firstOutputs,
      int outFeatures,
      int inFeatures) {
    static Layout of(Arrangement arrangement, List<WeightTensor> tensors) {
      int[] firstOutputs = new int[tensors.size()];
      int outputs = 0;
      for (int i = 0; i < firstOutputs.length; i++) {
        firstOutputs[i] = outputs;
        outputs += tensors.get(i).shape().get(0);
      }
      if (arrangement == Arrangement.INTERLEAVED_PANELS) {
        int panels = PackedMatrix.panelsFor(tensors.get(0).shape().get(0));
        outputs = panels * tensors.size() * PackedMatrix.PANEL_OUTPUTS;
      }
      return new Layout(arrangement, tensors, firstOutputs, outputs, tensors.get(0).shape().get(1));
    }

    private int indexOf(int output) {
      if (arrangement == Arrangement.INTERLEAVED_PANELS) {
        return output / PackedMatrix.PANEL_OUTPUTS % tensors.size();
      }
      int found = Arrays.binarySearch(firstOutputs, output);
      return found >= 0 ? found : -found - 2;
    }

    int rowOf(int output) {
      if (arrangement == Arrangement.INTERLEAVED_PANELS) {
        int panel = output / PackedMatrix.PANEL_OUTPUTS / tensors.size();
        return panel * PackedMatrix.PANEL_OUTPUTS + output % PackedMatrix.PANEL_OUTPUTS;
      }
      return output - firstOutputs[indexOf(output)];
    }

    /** The tensor of an output, null for an output that only fills a panel. */
    WeightTensor tensorOf(int output) {
      WeightTensor tensor = tensors.get(indexOf(output));
      return rowOf(output) < tensor.shape().get(0) ? tensor : null;
    }
  }
}
