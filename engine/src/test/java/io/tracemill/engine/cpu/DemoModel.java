package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.weights.CheckpointWeights;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** The project's demo model, opened on the CPU. */
final class DemoModel {
  private DemoModel() {}

  /** {@code demo/model}, found from the working directory upwards. */
  static Path directory() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path model = at.resolve("demo/model");
      if (Files.exists(model.resolve("config.json"))) {
        return model;
      }
    }
    throw new IllegalStateException(
        "no demo/model above " + Path.of("").toAbsolutePath() + "; run tests inside the project");
  }

  static BackendOptions options(int lanes, int ring, int threads, KvElement element) {
    return new BackendOptions(
        lanes,
        ring,
        2048,
        64,
        OptionalLong.of(400_000_000L),
        0.5,
        element,
        OptionalInt.of(threads),
        OptionalInt.empty());
  }

  static CpuBackend open(BackendOptions options, CpuKernels kernels) {
    ModelConfig config = ModelConfigReader.read(directory());
    try (CheckpointWeights weights = CheckpointWeights.open(directory(), config)) {
      return CpuBackendProvider.open(new BackendRequest(config, weights, options), kernels);
    }
  }

  static CpuBackend open(int lanes, int ring) {
    return open(options(lanes, ring, 2, KvElement.FLOAT32), KernelChoice.kernels());
  }
}
