package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.util.Utils;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestNativeTokenizers {
  @Test
  void theLibraryIsOfflineAndOfTheCpuFlavourOnceLoaded() {
    Tokenizer.load(RecordedModel.directory()).close();
    assertThat(Utils.isOfflineMode()).isTrue();
    assertThat(Utils.getEnvOrSystemProperty("RUST_FLAVOR")).isEqualTo("cpu");
    assertThat(Utils.getCacheDir()).exists();
  }

  @Test
  void theCacheFolderIsTheConfiguredOneIfItCanBeWritten(@TempDir Path folder) throws Exception {
    Path wanted = folder.resolve("a/b");
    assertThat(NativeTokenizers.cacheFolder(wanted.toString(), folder)).isEqualTo(wanted).exists();
    assertThat(NativeTokenizers.cacheFolder(null, folder.resolve("c")))
        .isEqualTo(folder.resolve("c"));
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(NativeTokenizers.cacheFolder(file.resolve("x").toString(), folder))
        .hasParentRaw(Path.of(System.getProperty("java.io.tmpdir")))
        .isEmptyDirectory();
  }

  @Test
  void aLibraryThatDoesNotLoadSaysWhatToDo() {
    assertThat(
            NativeTokenizers.advice(
                new UnsatisfiedLinkError(
                    "/x/libtokenizers.so: version `GLIBC_2.34' not found (required by ...)")))
        .contains("glibc 2.34");
    assertThat(
            NativeTokenizers.advice(new UnsatisfiedLinkError("libc.musl-x86_64.so.1: cannot open")))
        .contains("musl");
    assertThat(
            NativeTokenizers.advice(
                new UnsatisfiedLinkError("failed to map: Operation not permitted")))
        .contains(NativeTokenizers.CACHE_PROPERTY);
    assertThat(NativeTokenizers.advice(new RuntimeException("Unsupported platform: AIX")))
        .contains("Linux (x86_64");
  }
}
