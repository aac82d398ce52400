package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.Usability;

/** Makes CPU backends; always usable. */
public final class CpuBackendProvider implements BackendProvider {
  static final String NAME = "cpu";

  /** Does nothing; for the service loader. */
  public CpuBackendProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public int preference() {
    return 0;
  }

  @Override
  public Usability usability() {
    return Usability.usableOn(device(KernelChoice.kernels()));
  }

  @Override
  public Backend open(BackendRequest request) {
    return open(request, KernelChoice.kernels());
  }

  /** Opens a backend with kernels of the caller's choice. */
  static CpuBackend open(BackendRequest request, CpuKernels kernels) {
    return new CpuBackend(CpuBackendParts.allocate(request, kernels, device(kernels)));
  }

  private static String device(CpuKernels kernels) {
    return "%d CPU cores (%s), %s"
        .formatted(
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("os.arch"),
            kernels.description());
  }
}
