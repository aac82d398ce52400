package io.tracemill.engine.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class TestSafetensors {
  @TempDir Path directory;

  @Test
  void readsTensorsOfEveryElementType() {
    Path file =
        write(
            """
            {"__metadata__": {"format": "pt"},
             "a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
             "b": {"dtype": "BF16", "shape": [3], "data_offsets": [8, 14]},
             "c": {"dtype": "F16", "shape": [], "data_offsets": [14, 16]}}
            """,
            bytes(16).putFloat(0, 1.5f).putFloat(4, -2).putShort(8, (short) 0x3F80).array());
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.tensors().keySet()).containsExactly("a", "b", "c");
      WeightTensor a = opened.tensors().get("a");
      assertThat(a.shape()).containsExactly(2, 1);
      assertThat(a.byteSize()).isEqualTo(8);
      assertThat(a.slice(4, 4).getFloat()).isEqualTo(-2);
      assertThat(a.slice(0, 4).isReadOnly()).isTrue();
      WeightTensor b = opened.tensors().get("b");
      assertThat(b.elementType()).isEqualTo(ElementType.BF16);
      assertThat(Bf16.toFloat(b.slice(0, 2).getShort())).isEqualTo(1);
      assertThat(opened.tensors().get("c").elementType()).isEqualTo(ElementType.FP16);
      assertThatThrownBy(() -> a.slice(4, 5))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("5 bytes at 4 of 8");
    }
  }

  @Test
  void readsAcrossWindows() throws IOException {
    Path file = directory.resolve("windows");
    byte[] content = new byte[1000];
    for (int i = 0; i < content.length; i++) {
      content[i] = (byte) (i * 31 / 7);
    }
    Files.write(file, content);
    try (MappedFile mapped = MappedFile.open(file, 64)) {
      for (int length : new int[] {0, 1, 63, 64, 65, 128, 129, 500}) {
        for (int offset = 0; offset + length <= content.length; offset += 17) {
          byte[] part = new byte[length];
          mapped.slice(offset, length).get(part);
          assertThat(part).isEqualTo(Arrays.copyOfRange(content, offset, offset + length));
        }
      }
      assertThatThrownBy(() -> mapped.slice(999, 2)).hasMessageContaining("2 bytes at 999 of 1000");
    }
  }

  @Test
  void readsTensorsBeyondTwoGigabytes() throws IOException {
    long rows = 1_200_000_000L;
    String json =
        "{\"big\": {\"dtype\": \"BF16\", \"shape\": [2, 1200000000], \"data_offsets\": [0, %d]}}"
            .formatted(4 * rows);
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    Path file = directory.resolve("big.safetensors");
    // The file is sparse: only the written ends take space.
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(bytes(8).putLong(0, header.length).array());
      out.write(header);
      out.seek(8 + header.length + 4 * rows - 2);
      out.write(bytes(2).putShort(0, (short) 0x4000).array());
    }
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      WeightTensor big = opened.tensors().get("big");
      assertThat(big.byteSize()).isEqualTo(4 * rows);
      assertThat(Bf16.toFloat(big.slice(4 * rows - 2, 2).getShort())).isEqualTo(2);
      ByteBuffer wide = big.slice(4 * rows - 2_000_000_000L, 2_000_000_000);
      assertThat(Bf16.toFloat(wide.getShort(1_999_999_998))).isEqualTo(2);
      assertThat(wide.getShort(0)).isZero();
    }
  }

  @Test
  void refusesFilesThatAreTooShort() throws IOException {
    Path file = directory.resolve("short.safetensors");
    Files.write(file, new byte[7]);
    fails(file, "has 7 bytes, too few for a safetensors file");
  }

  @ParameterizedTest
  @CsvSource({"1000, claims a header of 1000 bytes", "-1, 18446744073709551615 bytes"})
  void refusesLyingHeaderLengths(long length, String message) throws IOException {
    Path file = directory.resolve("lying.safetensors");
    Files.write(file, bytes(40).putLong(0, length).array());
    fails(file, message);
  }

  @Test
  void refusesHeadersLongerThanTheFormatAllows() throws IOException {
    Path file = directory.resolve("long.safetensors");
    try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
      out.write(bytes(8).putLong(0, 100_000_001).array());
      out.setLength(100_000_100);
    }
    fails(file, "more than the 100000000 that the format allows");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "not json|is malformed",
        "[1]|it is not a JSON object",
        "{\"a\": {\"dtype\": \"F32\"}}|tensor a: it needs dtype, shape and two data_offsets",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0, \"x\"]}}|tensor a: it needs dtype",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [-4], \"data_offsets\": [0, 16]}}|a dimension is -4",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4294967296], \"data_offsets\": [0, 16]}}|a dimension is 4294967296",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [2000000000, 2000000000, 2], \"data_offsets\": [0, 16]}}|its shape overflows",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [16, 0]}}|its data_offsets are [16,0]",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 16]}}|gives tensor a 16 bytes where its shape needs 12",
        "{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [16], \"data_offsets\": [0, 16]}}|stores tensor a as F8_E4M3; only BF16, F16 and F32",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [5], \"data_offsets\": [0, 20]}}|up to byte 20 of its data but holds only 16: the file is cut off",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 12]}, \"b\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}|places tensors a and b over each other",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [4, 16]}}|has 4 bytes of data from offset 0 that belong to no tensor",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [3], \"data_offsets\": [0, 12]}}|has 4 bytes of data from offset 12 that belong to no tensor",
        "{\"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0, 16]}, \"a\": {\"dtype\": \"F32\", \"shape\": [4], \"data_offsets\": [0, 16]}}|Duplicate",
      })
  void refusesMalformedHeaders(String json, String message) {
    fails(write(json, new byte[16]), message);
  }

  private static void fails(Path file, String message) {
    assertThatThrownBy(() -> SafetensorsFile.open(file).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n")
        .extracting(e -> ((ReasoningException) e).code())
        .isEqualTo(ErrorCode.INVALID_CHECKPOINT);
  }

  private Path write(String json, byte[] data) {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    Path file = directory.resolve("model.safetensors");
    try {
      ByteBuffer all = bytes(8 + header.length + data.length);
      all.putLong(header.length).put(header).put(data);
      Files.write(file, all.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  private static ByteBuffer bytes(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void bf16RoundsToNearestEven() {
    for (float value : List.of(0f, -0f, 1f, 3.1415927f, 1e-40f, -7.7e33f)) {
      float rounded = Bf16.toFloat(Bf16.fromFloat(value));
      assertThat(Math.abs(rounded - value)).isLessThanOrEqualTo(Math.abs(value) / 256 + 1e-40f);
    }
    assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F808000))).isEqualTo((short) 0x3F80);
    assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F818000))).isEqualTo((short) 0x3F82);
    assertThat(Bf16.fromFloat(Float.intBitsToFloat(0x3F808001))).isEqualTo((short) 0x3F81);
    assertThat(Bf16.toFloat(Bf16.fromFloat(Float.MAX_VALUE))).isInfinite();
    assertThat(Bf16.toFloat(Bf16.fromFloat(Float.NaN))).isNaN();
  }

  @Test
  void fp16WidensExactly() {
    assertThat(Fp16.toFloat((short) 0x3C00)).isEqualTo(1);
    assertThat(Fp16.toFloat((short) 0xC000)).isEqualTo(-2);
    assertThat(Fp16.toFloat((short) 0x7BFF)).isEqualTo(65504);
    assertThat(Fp16.toFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(Fp16.toFloat((short) 0x83FF)).isEqualTo(-1023 * 0x1p-24f);
    assertThat(Fp16.toFloat((short) 0x3555)).isEqualTo(0.33325195f);
    assertThat(Fp16.toFloat((short) 0x7C00)).isInfinite();
    assertThat(Fp16.toFloat((short) 0x7E00)).isNaN();
  }
}
