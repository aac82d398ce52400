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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestQueryCalibration {
  private static final int LAYERS = 2;
  private static final int HEADS = 3;
  private static final int PAIRS = 4;

  private final Random random = TestSeeds.random("TestQueryCalibration");

  @TempDir private Path folder;

  @Test
  void meansAreThoseOfAllParts() {
    float[][] queries = new float[7][];
    QuerySums first = new QuerySums(LAYERS, HEADS, PAIRS);
    QuerySums second = new QuerySums(LAYERS, HEADS, PAIRS);
    for (int i = 0; i < queries.length; i++) {
      queries[i] = query();
      add(i < 3 ? first : second, queries[i]);
    }
    QueryCalibration calibration = first.merge(copy(second)).calibration();
    assertThat(calibration.tokens()).isEqualTo(7);
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
  void aFileIsReadAsItWasWritten() throws IOException {
    QuerySums sums = new QuerySums(LAYERS, HEADS, PAIRS);
    add(sums, query());
    QueryCalibration written = sums.calibration();
    Path file = folder.resolve("queries.bin");
    written.write(file);
    QueryCalibration read = QueryCalibration.read(file);
    assertThat(read.numLayers()).isEqualTo(LAYERS);
    assertThat(read.numHeads()).isEqualTo(HEADS);
    assertThat(read.numPairs()).isEqualTo(PAIRS);
    assertThat(read.tokens()).isEqualTo(1);
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int head = 0; head < HEADS; head++) {
        for (int pair = 0; pair < PAIRS; pair++) {
          assertThat(read.meanReal(layer, head, pair))
              .isEqualTo(written.meanReal(layer, head, pair));
          assertThat(read.meanImaginary(layer, head, pair))
              .isEqualTo(written.meanImaginary(layer, head, pair));
          assertThat(read.meanModulus(layer, head, pair))
              .isEqualTo(written.meanModulus(layer, head, pair));
        }
      }
    }
  }

  @Test
  void damagedFilesAreRefusedInOneSentence() throws IOException {
    QuerySums sums = new QuerySums(LAYERS, HEADS, PAIRS);
    add(sums, query());
    Path file = folder.resolve("queries.bin");
    sums.calibration().write(file);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 4));
    assertRefused(file, "do not fill its 312 bytes; it was not written whole.");
    Files.write(file, Arrays.copyOf(whole, 10));
    assertRefused(file, "it does not hold query statistics.");
    byte[] version = whole.clone();
    version[4] = 9;
    Files.write(file, version);
    assertRefused(file, "its version is 9, known is 1.");
    byte[] notFinite = whole.clone();
    notFinite[whole.length - 1] = (byte) 0x7F;
    notFinite[whole.length - 2] = (byte) 0x80;
    Files.write(file, notFinite);
    assertRefused(file, "it holds a value that is not finite.");
  }

  @Test
  void sumsOfAnotherModelAreNotMerged() {
    QuerySums sums = new QuerySums(LAYERS, HEADS, PAIRS);
    assertThatThrownBy(() -> sums.merge(new QuerySums(LAYERS, HEADS, PAIRS + 1)))
        .hasMessage("sums of another model");
    assertThatThrownBy(sums::calibration).hasMessage("no tokens were added");
  }

  private static void assertRefused(Path file, String reason) {
    assertThatThrownBy(() -> QueryCalibration.read(file))
        .hasMessageStartingWith("The query calibration " + file + " cannot be used: ")
        .hasMessageEndingWith(reason);
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
    sums.countTokens(1);
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
