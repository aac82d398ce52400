package io.tracemill.gpu.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestNativeLoader {
  private static final String RESOURCE = "/lib/libJCudaDriver-12.6.0-linux-x86_64.so";

  @TempDir Path folder;

  @Test
  void unpacksTheWholeLibraryIntoAFolderOfThisUser() throws IOException {
    Path library = NativeLoader.unpack(RESOURCE, folder);
    try (InputStream in = jcuda.Pointer.class.getResourceAsStream(RESOURCE)) {
      assertThat(Files.readAllBytes(library)).isEqualTo(in.readAllBytes());
    }
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(library.getParent())))
        .isEqualTo("rwx------");
  }

  @Test
  void replacesAHalfWrittenLibrary() throws IOException {
    Path library = NativeLoader.unpack(RESOURCE, folder);
    byte[] whole = Files.readAllBytes(library);
    Files.write(library, java.util.Arrays.copyOf(whole, 1000));
    assertThat(Files.readAllBytes(NativeLoader.unpack(RESOURCE, folder))).isEqualTo(whole);
  }

  @Test
  void leavesACompleteLibraryAlone() throws IOException {
    Path library = NativeLoader.unpack(RESOURCE, folder);
    var before = Files.getLastModifiedTime(library);
    assertThat(NativeLoader.unpack(RESOURCE, folder)).isEqualTo(library);
    assertThat(Files.getLastModifiedTime(library)).isEqualTo(before);
  }

  @Test
  void manyAtOnceSeeOnlyWholeLibrariesAndLeaveNothingBehind() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      Callable<Long> unpack = () -> Files.size(NativeLoader.unpack(RESOURCE, folder));
      List<Future<Long>> sizes = pool.invokeAll(java.util.Collections.nCopies(12, unpack));
      long expected = sizes.get(0).get();
      for (Future<Long> size : sizes) {
        assertThat(size.get()).isEqualTo(expected);
      }
    } finally {
      pool.shutdown();
    }
    try (Stream<Path> files = Files.walk(folder).filter(Files::isRegularFile)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void saysWhatToSetWhereNoFolderCanBeUsed() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> new NativeLoader(List.of(file)).load())
        .isInstanceOf(DriverUnavailableException.class)
        .hasMessageContaining("-D" + NativeLoader.FOLDER_PROPERTY)
        .hasMessageContaining(file.toString());
  }

  @Test
  void refusesPlatformsWithoutTheLibrary() {
    assertThatThrownBy(() -> NativeLoader.requireSupportedPlatform("Mac OS X", "aarch64"))
        .isInstanceOf(DriverUnavailableException.class)
        .hasMessage("the CUDA backend runs on 64-bit x86 Linux only, this is Mac OS X on aarch64");
    assertThatCode(() -> NativeLoader.requireSupportedPlatform("Linux", "amd64"))
        .doesNotThrowAnyException();
  }

  @Test
  void theTemporaryFolderIsAsBeforeWhateverHappens() {
    String before = System.getProperty("java.io.tmpdir");
    DeviceProbe.probe(JcudaDriver::load, 0);
    assertThat(System.getProperty("java.io.tmpdir")).isEqualTo(before);
  }
}
