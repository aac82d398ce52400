package io.tracemill.gpu.internal.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The PTX, with its lowered version line, compiles offline with the compiler of CUDA 12.0; so every
 * driver of the CUDA 12 line can compile it, too. Needs no GPU.
 */
class TestPtxVersion {

  @BeforeAll
  static void loadTheCompiler() {
    JNvPTXCompiler.setExceptionsEnabled(false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"sm_80", "sm_90"})
  void everyKernelCompilesForTheDevice(String device) {
    for (String module : KernelManifest.load().modules()) {
      byte[] ptx = KernelManifest.ptx(module);
      nvPTXCompilerHandle compiler = new nvPTXCompilerHandle();
      assertThat(JNvPTXCompiler.nvPTXCompilerCreate(compiler, ptx.length, ptx)).isZero();
      try {
        int result =
            JNvPTXCompiler.nvPTXCompilerCompile(compiler, 1, new String[] {"--gpu-name=" + device});
        assertThat(result).as(() -> module + " for " + device + ": " + log(compiler)).isZero();
      } finally {
        JNvPTXCompiler.nvPTXCompilerDestroy(compiler);
      }
    }
  }

  private static String log(nvPTXCompilerHandle compiler) {
    long[] size = new long[1];
    JNvPTXCompiler.nvPTXCompilerGetErrorLogSize(compiler, size);
    byte[] text = new byte[Math.toIntExact(size[0]) + 1];
    JNvPTXCompiler.nvPTXCompilerGetErrorLog(compiler, text);
    return new String(text, StandardCharsets.UTF_8).trim();
  }
}
