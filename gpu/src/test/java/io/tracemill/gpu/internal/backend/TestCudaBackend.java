package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.CompressionContract;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.gpu.CudaBackendProvider;
import java.util.List;
import org.junit.jupiter.api.Tag;

/** The contract of all backends, on networks whose heads the kernels are made for. */
@Tag("gpu")
@RequiresGpu
class TestCudaBackend extends CompressionContract {

  @Override
  protected BackendProvider provider() {
    return new CudaBackendProvider();
  }

  @Override
  protected List<ModelConfig> models() {
    return List.of(
        model(Architecture.QWEN2, 320, 200, 5, 1, 64, true, false),
        model(Architecture.QWEN3, 200, 328, 14, 2, 128, false, true),
        model(Architecture.LLAMA, 512, 512, 8, 1, 64, false, false));
  }
}
