package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.BackendContract;
import io.tracemill.engine.backend.BackendProvider;

/** The CPU backend against the contract of all backends. */
final class TestCpuBackendContract extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new CpuBackendProvider();
  }
}
