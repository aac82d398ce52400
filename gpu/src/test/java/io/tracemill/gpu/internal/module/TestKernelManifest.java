package io.tracemill.gpu.internal.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The committed kernels are those of the committed sources. */
class TestKernelManifest {
  private static final Path SOURCES = Path.of("src", "main", "cuda");

  @Test
  void theKernelsWereBuiltFromTheSourcesInTheTree() throws Exception {
    Map<String, String> inTree = new TreeMap<>();
    for (Path file : list("cu", "cuh")) {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
      inTree.put(file.getFileName().toString(), HexFormat.of().formatHex(digest));
    }
    assertThat(KernelManifest.load().sourceHashes())
        .as("run gpu/src/main/cuda/build.sh (or mvn -Pnvcc) and commit the kernels")
        .isEqualTo(inTree);
  }

  @Test
  void everyKernelFileHasMachineCodeAndPtx() throws IOException {
    KernelManifest manifest = KernelManifest.load();
    List<String> files =
        list("cu").stream().map(f -> f.getFileName().toString().replace(".cu", "")).toList();
    assertThat(manifest.modules()).containsExactlyElementsOf(files);
    for (String module : manifest.modules()) {
      assertThat(KernelManifest.machineCode(module)).as(module).hasSizeGreaterThan(100);
      byte[] ptx = KernelManifest.ptx(module);
      assertThat(ptx[ptx.length - 1]).as("terminator of " + module).isZero();
      assertThat(new String(ptx, java.nio.charset.StandardCharsets.US_ASCII))
          .contains(".version " + manifest.ptxVersion())
          .contains(".target sm_80");
    }
  }

  @Test
  void machineCodeIsForTheTwoArchitectures() {
    for (String module : KernelManifest.load().modules()) {
      assertThat(architectures(KernelManifest.machineCode(module)))
          .as(module)
          .containsExactly(80, 90);
    }
  }

  /** Architectures of the machine code in a fatbin, in file order. */
  private static List<Integer> architectures(byte[] fatbin) {
    ByteBuffer bytes = ByteBuffer.wrap(fatbin).order(ByteOrder.LITTLE_ENDIAN);
    assertThat(bytes.getInt(0)).as("magic number").isEqualTo(0xba55ed50);
    int at = bytes.getShort(6);
    long end = at + bytes.getLong(8);
    List<Integer> found = new ArrayList<>();
    while (at < end) {
      assertThat(bytes.getShort(at)).as("kind of entry: machine code").isEqualTo((short) 2);
      found.add(bytes.getInt(at + 28));
      at += bytes.getInt(at + 4) + Math.toIntExact(bytes.getLong(at + 8));
    }
    return found;
  }

  private static List<Path> list(String... suffixes) throws IOException {
    try (Stream<Path> files = Files.list(SOURCES)) {
      return files
          .filter(f -> Stream.of(suffixes).anyMatch(s -> f.toString().endsWith("." + s)))
          .sorted()
          .toList();
    }
  }
}
