package io.tracemill.gpu.internal.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No kernel without a check: the programs of {@code src/test/cuda}, which run under
 * compute-sanitizer on machines with a GPU, launch each one. Needs no GPU.
 */
class TestKernelChecks {
  private static final Path CHECKS = Path.of("src", "test", "cuda");

  /** Kernels of sm_90 alone, which the PTX for sm_80 does not have. */
  private static final List<String> OF_NEWER_DEVICES =
      List.of(
          "sample_cluster",
          "sample_cluster_many",
          "rpc_score_stats_wgmma_d64",
          "rpc_score_stats_wgmma_d128",
          "rpc_score_columns_wgmma_d64",
          "rpc_score_columns_wgmma_d128");

  @Test
  void everyKernelIsLaunchedByACheck() throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.list(CHECKS)) {
      for (Path file : files.sorted().toList()) {
        text.append(Files.readString(file));
      }
    }
    Set<String> kernels = new TreeSet<>(OF_NEWER_DEVICES);
    KernelManifest.load().modules().stream()
        .map(KernelManifest::kernelsOfPtx)
        .forEach(kernels::addAll);
    assertThat(kernels).hasSizeGreaterThan(30);
    kernels.removeIf(kernel -> Pattern.compile("\\b" + kernel + "\\b").matcher(text).find());
    assertThat(kernels).as("kernels that no check launches").isEmpty();
  }
}
