package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.Usability;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DeviceProbe;
import io.tracemill.gpu.internal.device.JcudaDriver;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens backends on the one driver of this process. */
public final class CudaBackends {
  private static final Logger LOG = LoggerFactory.getLogger(CudaBackends.class);

  private CudaBackends() {}

  /** Loads the driver on first use; a failure is kept and answered again. */
  private static final class Driver {
    static final CudaDriver LOADED;
    static final RuntimeException FAILURE;

    static {
      CudaDriver loaded = null;
      RuntimeException failure = null;
      try {
        loaded = JcudaDriver.load();
      } catch (RuntimeException e) {
        failure = e;
      }
      LOADED = loaded;
      FAILURE = failure;
    }

    private Driver() {}

    static CudaDriver get() {
      if (FAILURE != null) {
        throw FAILURE;
      }
      return LOADED;
    }
  }

  /** Whether the first device can be used, and if not, why. */
  public static Usability usability() {
    return DeviceProbe.probe(Driver::get, 0);
  }

  /** Opens a backend; see {@link io.tracemill.engine.backend.BackendProvider#open}. */
  public static Backend open(BackendRequest request) {
    int ordinal = request.options().deviceOrdinal().orElse(0);
    Usability usability = DeviceProbe.probe(Driver::get, ordinal);
    if (!usability.usable()) {
      throw CudaErrors.unavailable("The CUDA backend cannot be used: " + usability.detail() + ".");
    }
    CudaBackend backend = new CudaBackend(CudaSession.open(Driver.get(), request));
    LOG.info(
        "CUDA backend on {}: bf16, {} KV pages of {}, {}",
        backend.info().device(),
        backend.info().numPages(),
        CudaErrors.bytes(backend.info().kvLayout().pageBytes()),
        backend.session().memory().usage());
    return backend;
  }

  /** Why a KV policy cannot run a network on a card; empty where it can. */
  public static Optional<String> refusal(KvCompressionPolicy policy, ModelConfig config) {
    return PolicyRules.refusal(policy, config);
  }
}
