package io.tracemill.gpu;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.Usability;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.backend.CudaBackends;
import java.util.Optional;

/** The {@code cuda} backend: one NVIDIA GPU through the CUDA driver. */
public final class CudaBackendProvider implements BackendProvider {
  private static final int PREFERENCE = 100;

  /** Does nothing; the driver is looked for when it is asked about. */
  public CudaBackendProvider() {}

  @Override
  public String name() {
    return "cuda";
  }

  @Override
  public int preference() {
    return PREFERENCE;
  }

  @Override
  public Usability usability() {
    return CudaBackends.usability();
  }

  /** Policies without kernels are refused, and calibrations of another network. */
  @Override
  public Optional<String> refusal(KvCompressionPolicy policy, ModelConfig config) {
    return CudaBackends.refusal(policy, config);
  }

  @Override
  public Backend open(BackendRequest request) {
    return CudaBackends.open(request);
  }
}
