package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendOptions;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.Usability;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.model.ModelConfig;
import java.util.Optional;

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

  /** Every policy, unless it was calibrated for another network. */
  @Override
  public Optional<String> refusal(KvCompressionPolicy policy, ModelConfig config) {
    if (policy.scoreRule().orElse(null) instanceof ScoreRule.ExpectedAttention expected) {
      QueryCalibration calibration = expected.calibration();
      if (calibration.numLayers() != config.numLayers()
          || calibration.numHeads() != config.numQueryHeads()
          || 2 * calibration.numPairs() != config.headDim()) {
        return Optional.of(CpuErrors.calibrationOfAnotherModel(calibration, config));
      }
    }
    return Optional.empty();
  }

  /**
   * Opens a network whose queries are to be added up.
   *
   * @param request options of one lane; texts longer than its most rows are cut
   */
  public static QueryCollection openCollection(BackendRequest request) {
    BackendOptions options = request.options();
    if (options.maxLanes() != 1) {
      throw new IllegalArgumentException("queries are collected with one lane");
    }
    return new QueryCollection(
        open(request, KernelChoice.kernels()),
        request.config(),
        options.maxSequenceRows(),
        options.prefillChunkTokens());
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
