package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tracemill.engine.TestSeeds;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class TestQuerySums {
  private static final int LAYERS = 2;
  private static final int HEADS = 3;
  private static final int PAIRS = 4;

  private final Random random = TestSeeds.random("TestQuerySums");

  @Test
  void meansAreThoseOfAllParts() {
    float[][] queries = new float[7][];
    QuerySums first = sums();
    QuerySums second = sums();
    for (int i = 0; i < queries.length; i++) {
      queries[i] = query();
      add(i < 3 ? first : second, queries[i]);
    }
    QueryCalibration calibration = first.merge(copy(second)).calibration(CalibratedModel.UNKNOWN);
    assertThat(calibration.origin().tokens()).isEqualTo(7);
    for (int pair = 0; pair < PAIRS; pair++) {
      double real = 0;
      double imaginary = 0;
      double modulus = 0;
      for (float[] query : queries) {
        real += query[pair] / 7.0;
        imaginary += query[pair + PAIRS] / 7.0;
        modulus += Math.hypot(query[pair], query[pair + PAIRS]) / 7;
      }
      assertThat((double) calibration.meanReal(1, 2, pair)).isCloseTo(real, within(1e-6));
      assertThat((double) calibration.meanImaginary(1, 2, pair)).isCloseTo(imaginary, within(1e-6));
      assertThat((double) calibration.meanModulus(1, 2, pair)).isCloseTo(modulus, within(1e-6));
    }
  }

  @Test
  void neitherOrderNorPartsChangeABit() {
    float[][] queries = new float[50][];
    for (int i = 0; i < queries.length; i++) {
      queries[i] = query();
      // Sizes that float64 would round away beside each other.
      float scale = (float) Math.pow(10, i % 9 - 4);
      for (int d = 0; d < queries[i].length; d++) {
        queries[i][d] *= scale;
      }
    }
    QuerySums inOrder = sums();
    QuerySums backwards = sums();
    QuerySums[] parts = {sums(), sums(), sums()};
    for (int i = 0; i < queries.length; i++) {
      add(inOrder, queries[i]);
      add(backwards, queries[queries.length - 1 - i]);
      add(parts[i % 3], queries[i]);
    }
    byte[] file = file(inOrder);
    assertThat(file(backwards)).isEqualTo(file);
    assertThat(file(parts[2].merge(parts[0]).merge(parts[1]))).isEqualTo(file);
  }

  @Test
  void aQueryThatCannotBeAddedIsRefused() {
    QuerySums sums = sums();
    float[] query = new float[2 * PAIRS];
    query[PAIRS + 1] = Float.NaN;
    assertThatThrownBy(() -> sums.add(1, 2, query, 0))
        .hasMessageStartingWith("A query of layer 1, head 2 has a pair of modulus NaN,");
    query[PAIRS + 1] = 3e10f;
    sums.add(1, 2, query, 0);
    assertThatThrownBy(() -> sums.add(1, 2, query, 0))
        .hasMessageStartingWith("A query of layer 1, head 2 has a pair of modulus 3.0");
  }

  @Test
  void sumsOfAnotherModelAreNotMerged() {
    QuerySums sums = sums();
    assertThatThrownBy(() -> sums.merge(new QuerySums(LAYERS, HEADS, PAIRS + 1)))
        .hasMessage("sums of another model");
    assertThatThrownBy(() -> sums.calibration(CalibratedModel.UNKNOWN))
        .hasMessage("no tokens were added");
  }

  private static QuerySums sums() {
    return new QuerySums(LAYERS, HEADS, PAIRS);
  }

  private static byte[] file(QuerySums sums) {
    return CalibrationFile.write(sums.calibration(CalibratedModel.UNKNOWN));
  }

  private float[] query() {
    float[] query = new float[2 * PAIRS];
    for (int d = 0; d < query.length; d++) {
      query[d] = (float) random.nextGaussian();
    }
    return query;
  }

  private static void add(QuerySums sums, float[] query) {
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int head = 0; head < HEADS; head++) {
        sums.add(layer, head, query, 0);
      }
    }
    sums.countText(1);
  }

  /** As Spark would send it. */
  private static QuerySums copy(QuerySums sums) {
    try {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
        out.writeObject(sums);
      }
      try (ObjectInputStream in =
          new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
        return (QuerySums) in.readObject();
      }
    } catch (IOException | ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }
}
