package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.weights.CheckpointWeights;
import io.tracemill.engine.weights.ModelWeights;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** What tests on a real card share: models, reading memory. */
final class Gpu {
  private Gpu() {}

  /** Options with a KV pool of the given size. */
  static BackendOptions options(int lanes, int ring, int maxRows, int chunk, long kvBytes) {
    return new BackendOptions(
        lanes,
        ring,
        maxRows,
        chunk,
        OptionalLong.of(kvBytes),
        0.9,
        KvElement.BACKEND_DEFAULT,
        OptionalInt.empty(),
        OptionalInt.empty());
  }

  /** Opens the demo model; the caller closes the backend. */
  static CudaBackend openDemo(int lanes, int ring, int chunk) {
    ModelConfig config = ModelConfigReader.read(demoDirectory());
    try (CheckpointWeights weights = CheckpointWeights.open(demoDirectory(), config)) {
      return open(config, weights, options(lanes, ring, 2048, chunk, 400_000_000L));
    }
  }

  /** Opens a model; the caller closes the backend. */
  static CudaBackend open(ModelConfig config, ModelWeights weights, BackendOptions options) {
    return (CudaBackend) CudaBackends.open(new BackendRequest(config, weights, options));
  }

  /** {@code demo/model}, found from the working directory upwards. */
  static Path demoDirectory() {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path model = at.resolve("demo/model");
      if (Files.exists(model.resolve("config.json"))) {
        return model;
      }
    }
    throw new IllegalStateException("no demo/model above " + Path.of("").toAbsolutePath());
  }

  /** Reads device floats once the stream is done. */
  static float[] floats(CudaSession session, long address, int count) {
    float[] values = new float[count];
    try (PinnedBuffer host = new PinnedBuffer(session.driver(), count * Float.BYTES)) {
      session
          .driver()
          .copyToHost(host.memory(), 0, address, (long) count * Float.BYTES, session.stream());
      session.driver().synchronize(session.stream());
      host.bytes().asFloatBuffer().get(values);
    }
    return values;
  }

  /** Reads device integers once the stream is done. */
  static int[] ints(CudaSession session, long address, int count) {
    int[] values = new int[count];
    try (PinnedBuffer host = new PinnedBuffer(session.driver(), count * Integer.BYTES)) {
      session
          .driver()
          .copyToHost(host.memory(), 0, address, (long) count * Integer.BYTES, session.stream());
      session.driver().synchronize(session.stream());
      host.bytes().asIntBuffer().get(values);
    }
    return values;
  }
}
