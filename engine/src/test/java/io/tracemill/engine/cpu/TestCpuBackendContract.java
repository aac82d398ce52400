package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.CompressionContract;

/** The CPU backend against the contract of all backends. */
final class TestCpuBackendContract extends CompressionContract {
  @Override
  protected BackendProvider provider() {
    return new CpuBackendProvider();
  }
}
