package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.api.KvPolicySettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TestCalibrationFile {
  private static final int LAYERS = 2;
  private static final int HEADS = 3;
  private static final int PAIRS = 4;
  private static final CalibratedModel MODEL = new CalibratedModel("tiny", "c0ffee");

  private final Random random = TestSeeds.random("TestCalibrationFile");

  @TempDir private Path folder;

  @Test
  void isReadAsItWasWritten() {
    QueryCalibration written = calibration();
    QueryCalibration read = CalibrationFile.read("queries.bin", CalibrationFile.write(written));
    assertThat(read.shape()).isEqualTo(new QueryCalibration.Shape(LAYERS, HEADS, PAIRS));
    assertThat(read.origin()).isEqualTo(new QueryCalibration.Origin(MODEL, 5, 1));
    assertThat(read.values()).isEqualTo(written.values());
    assertThat(read.meanReal(1, 2, 3)).isEqualTo(written.values()[23 * 3]);
    assertThat(read.meanImaginary(1, 2, 3)).isEqualTo(written.values()[23 * 3 + 1]);
    assertThat(read.meanModulus(1, 2, 3)).isEqualTo(written.values()[23 * 3 + 2]);
  }

  @Test
  void damagedFilesAreRefusedInOneSentence() {
    byte[] whole = CalibrationFile.write(calibration());
    int size = whole.length;
    assertRefused(
        Arrays.copyOf(whole, size - 4),
        "its %d bytes are not all that it announces.".formatted(size - 4));
    assertRefused(Arrays.copyOf(whole, 38), "its 38 bytes are not all that it announces.");
    assertRefused(Arrays.copyOf(whole, 10), "it does not hold query statistics.");
    assertRefused(new byte[100], "it does not hold query statistics.");
    byte[] version = whole.clone();
    version[4] = 9;
    assertRefused(version, "its version is 9, known is 2; collect it anew.");
    byte[] nameLength = whole.clone();
    nameLength[39] = 0x7F;
    assertRefused(nameLength, "its %d bytes are not all that it announces.".formatted(size));
    byte[] notFinite = whole.clone();
    notFinite[size - 1] = (byte) 0x7F;
    notFinite[size - 2] = (byte) 0x80;
    assertRefused(notFinite, "it holds a value that is not finite.");
  }

  @Test
  void settingsInForceNameWhatTheFileHolds() throws IOException {
    Path file = folder.resolve("queries.bin");
    Files.write(file, CalibrationFile.write(calibration()));
    KvPolicySettings inForce = create(file.toString()).settings();
    String reference = inForce.options().get("calibration");
    assertThat(reference).matches(file + "#[0-9a-f]{16}");
    assertThat(create("file://" + file).settings()).isEqualTo(inForce);
    assertThat(KvPolicies.create(inForce).settings()).isEqualTo(inForce);

    // Another one under the same name is not what those settings mean.
    Files.write(file, CalibrationFile.write(calibration()));
    String other = create(file.toString()).settings().options().get("calibration");
    assertThat(other).isNotEqualTo(reference);
    String wrong = file + "#0123456789abcdef";
    assertThatThrownBy(() -> create(wrong))
        .hasMessage(
            "The query calibration %s cannot be used: it holds something else than when it was named first; start again with it."
                .formatted(file));
  }

  @Test
  void aNameOfAnotherFileSystemNeedsSomebodyWhoReadsIt() {
    assertThatThrownBy(() -> create("nosuch://host/queries.bin"))
        .hasMessage(
            "The query calibration nosuch://host/queries.bin cannot be used: reading it failed, nothing here reads nosuch:.");
  }

  private static KvCompressionPolicy create(String calibration) {
    return KvPolicies.create(
        new KvPolicySettings("triattention", 0, 0, 0, "", Map.of("calibration", calibration)));
  }

  private QueryCalibration calibration() {
    QuerySums sums = new QuerySums(LAYERS, HEADS, PAIRS);
    float[] query = new float[2 * PAIRS];
    for (int token = 0; token < 5; token++) {
      for (int head = 0; head < LAYERS * HEADS; head++) {
        for (int d = 0; d < query.length; d++) {
          query[d] = (float) random.nextGaussian();
        }
        sums.add(head / HEADS, head % HEADS, query, 0);
      }
    }
    sums.countText(5);
    return sums.calibration(MODEL);
  }

  private static void assertRefused(byte[] content, String reason) {
    assertThatThrownBy(() -> CalibrationFile.read("queries.bin", content))
        .hasMessage("The query calibration queries.bin cannot be used: " + reason);
  }
}
