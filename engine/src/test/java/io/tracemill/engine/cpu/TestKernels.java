package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * The vector kernels against their scalar twins, bit for bit, on sizes chosen to hurt. The order of
 * operations is part of the contract: it makes results independent of batch and machine.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class TestKernels {
  private static final int[] SIZES = {1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 256, 513, 1100};
  private static final float CANARY = 12345.678f;

  private final Random random = new Random(Seeds.seed());
  private final CpuKernels vector = KernelChoice.kernels();
  private final CpuKernels scalar = new ScalarKernels();

  @Test
  void theTestsRunTheVectorKernels() {
    assertThat(vector).isInstanceOf(VectorKernels.class);
  }

  @Test
  void productsAgreeForEveryNumberOfRowsAndPanels() {
    for (int inputs : SIZES) {
      for (int rows : new int[] {1, 2, 3, 4, 5, 8, 9, 33}) {
        for (int panels : new int[] {1, 2, 3}) {
          Bf16Matrix bf16 = bf16(panels * 32, inputs);
          Float32Matrix float32 =
              new Float32Matrix(panels * 32, inputs, floats(panels * 32 * inputs));
          float[] x = floats((rows + 1) * (inputs + 3));
          for (PackedMatrix matrix : new PackedMatrix[] {bf16, float32}) {
            float[] a = filled(rows * (panels * 32 + 5) + 40);
            float[] b = a.clone();
            int stride = panels * 32 + 5;
            vector.multiplyAdd(matrix, 0, panels, x, inputs + 3, rows, 1, a, 2, stride);
            scalar.multiplyAdd(matrix, 0, panels, x, inputs + 3, rows, 1, b, 2, stride);
            assertThat(a).as("%d rows, %d inputs", rows, inputs).isEqualTo(b);
            assertThat(a[0]).isEqualTo(CANARY);
            assertThat(a[2 + panels * 32]).isEqualTo(CANARY);
          }
        }
      }
    }
  }

  @Test
  void aProductIsTheSumOfItsTerms() {
    int inputs = 1100;
    Bf16Matrix matrix = bf16(40, inputs);
    float[] x = floats(inputs);
    float[] out = new float[64];
    vector.multiplyAdd(matrix, 0, 2, x, inputs, 1, 0, out, 0, 64);
    float[] row = new float[inputs];
    for (int output = 0; output < 40; output++) {
      matrix.copyRow(output, row, 0);
      double sum = 0;
      double size = 0;
      for (int k = 0; k < inputs; k++) {
        sum += (double) row[k] * x[k];
        size += Math.abs((double) row[k] * x[k]);
      }
      assertThat(Math.abs(out[output] - sum)).isLessThan(1e-5 * size);
    }
  }

  @Test
  void normsAgree() {
    for (int size : SIZES) {
      float[] x = floats(size + 3);
      float[] weight = floats(size);
      float[] a = filled(size + 4);
      float[] b = a.clone();
      vector.rmsNorm(x, 3, weight, size, 1e-6f, a, 2, new float[16]);
      scalar.rmsNorm(x, 3, weight, size, 1e-6f, b, 2, new float[16]);
      assertThat(a).as("size %d", size).isEqualTo(b);
      double square = 0;
      for (int i = 0; i < size; i++) {
        square += (double) x[3 + i] * x[3 + i];
      }
      double expected = x[3] / Math.sqrt(square / size + 1e-6) * weight[0];
      assertThat(Math.abs(a[2] - expected)).isLessThan(1e-5 * (1 + Math.abs(expected)));
    }
  }

  @Test
  void gatesAgree() {
    for (int size : SIZES) {
      float[] gate = floats(size + 1);
      gate[0] = -200;
      gate[size] = 200;
      float[] up = floats(size + 2);
      float[] a = filled(size + 4);
      float[] b = a.clone();
      vector.siluMultiply(gate, 1, up, 2, a, 3, size);
      scalar.siluMultiply(gate, 1, up, 2, b, 3, size);
      assertThat(a).as("size %d", size).isEqualTo(b);
    }
    float[] out = new float[1];
    vector.siluMultiply(new float[] {-200}, 0, new float[] {1}, 0, out, 0, 1);
    assertThat(out[0]).isBetween(-1e-30f, 0f);
  }

  @Test
  void exponentialsAgreeAndAreAccurate() {
    for (int size : SIZES) {
      float[] a = filled(size + 40);
      for (int i = 0; i < size; i++) {
        a[3 + i] = 20 * (float) random.nextGaussian();
      }
      float[] scores = a.clone();
      float[] b = a.clone();
      float sumA = vector.exponentials(a, 3, size, new float[16]);
      float sumB = scalar.exponentials(b, 3, size, new float[16]);
      assertThat(a).as("size %d", size).isEqualTo(b);
      assertThat(sumA).isEqualTo(sumB);
      float top = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < size; i++) {
        top = Math.max(top, scores[3 + i]);
      }
      for (int i = 0; i < size; i++) {
        float shifted = scores[3 + i] - top;
        if (shifted > -80) {
          double expected = Math.exp(shifted);
          assertThat(Math.abs(a[3 + i] - expected)).isLessThan(2.5e-7 * expected);
        }
      }
    }
    assertThat(Exponential.exp(0)).isEqualTo(1);
    assertThat(Exponential.exp(Float.NEGATIVE_INFINITY)).isBetween(0f, 1e-37f);
    assertThat(Exponential.exp(1000)).isFinite();
  }

  @Test
  void attentionAgreesInBothElementTypes() {
    for (int headDim : new int[] {2, 10, 16, 64, 80, 128}) {
      int width = KvPages.valueWidth(headDim);
      for (int rows : new int[] {1, 15, 16, 17, 63, 64}) {
        float[] q = floats(2 * headDim + 1);
        float[] weights = floats(2 * 64 + 5);
        KvPages float32 = new Float32KvPages(1, 1, 2, headDim);
        KvPages bf16 = new Bf16KvPages(1, 1, 2, headDim);
        for (KvPages pages : new KvPages[] {float32, bf16}) {
          fill(pages, headDim);
          float[] a = filled(200);
          float[] b = filled(200);
          float[] c = filled(200);
          pages.keyScores(vector, 0, 0, 1, q, 1, 1 + headDim, 0.3f, a, 2, 100);
          pages.keyScores(scalar, 0, 0, 1, q, 1, 1 + headDim, 0.3f, b, 2, 100);
          pages.keyScores(vector, 0, 0, 1, q, 1, 0.3f, c, 2);
          assertThat(a).isEqualTo(b);
          assertThat(Arrays.copyOf(a, 66)).isEqualTo(Arrays.copyOf(c, 66));
          float[] d = filled(2 * width + 10);
          float[] e = filled(2 * width + 10);
          float[] f = filled(2 * width + 10);
          pages.weightedValues(vector, 0, 0, 1, rows, weights, 1, 66, d, 3, 5 + width);
          pages.weightedValues(scalar, 0, 0, 1, rows, weights, 1, 66, e, 3, 5 + width);
          pages.weightedValues(vector, 0, 0, 1, rows, weights, 1, f, 3);
          assertThat(d).isEqualTo(e);
          assertThat(Arrays.copyOf(d, 3 + width)).isEqualTo(Arrays.copyOf(f, 3 + width));
          assertThat(d[0]).isEqualTo(CANARY);
          assertThat(d[d.length - 1]).isEqualTo(CANARY);
        }
      }
    }
  }

  @Test
  void pagesGiveBackWhatWasStoredAndMoved() {
    int headDim = 10;
    KvPages pages = new Float32KvPages(2, 2, 2, headDim);
    pages.allocate(0);
    pages.allocate(1);
    float[] key = floats(headDim);
    float[] value = floats(headDim);
    pages.store(1, 1, 1, 37, key, 0, value, 0);
    pages.move(1, 1, 1, 37, 0, 5);
    float[] q = floats(headDim);
    float[] scores = new float[64];
    pages.keyScores(scalar, 0, 1, 1, q, 0, 1, scores, 0);
    float expected = 0;
    for (int d = 0; d < headDim; d++) {
      expected = Math.fma(key[d], q[d], expected);
    }
    assertThat(scores[5]).isEqualTo(expected);
    float[] weights = new float[64];
    weights[5] = 1;
    float[] out = new float[32];
    pages.weightedValues(scalar, 0, 1, 1, 6, weights, 0, out, 0);
    assertThat(Arrays.copyOf(out, headDim)).isEqualTo(value);
  }

  private void fill(KvPages pages, int headDim) {
    pages.allocate(0);
    for (int row = 0; row < KvPages.ROWS; row++) {
      pages.store(0, 0, 0, row, floats(headDim), 0, floats(headDim), 0);
      pages.store(0, 0, 1, row, floats(headDim), 0, floats(headDim), 0);
    }
  }

  private Bf16Matrix bf16(int outputs, int inputs) {
    int[] pairs = new int[PackedMatrix.panelsFor(outputs) * inputs * Bf16Matrix.PAIRS];
    for (int i = 0; i < pairs.length; i++) {
      int low = Float.floatToRawIntBits((float) random.nextGaussian()) >>> 16;
      int high = Float.floatToRawIntBits((float) random.nextGaussian()) & 0xFFFF0000;
      pairs[i] = low | high;
    }
    return new Bf16Matrix(outputs, inputs, pairs);
  }

  private float[] floats(int size) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static float[] filled(int size) {
    float[] values = new float[size];
    Arrays.fill(values, CANARY);
    return values;
  }
}
