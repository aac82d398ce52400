package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.Fold;
import io.tracemill.engine.compress.ScoreRule.RecentAttention;
import io.tracemill.engine.compress.ScoreRule.Scope;
import io.tracemill.engine.compress.ScoreRule.Smoothing;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Mode;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Numbers;
import java.util.Optional;

/** Which score rules the kernels compute, and the numbers that they take. */
final class PolicyRules {
  private static final String SUPPORTED =
      "full, rpc, sinks-window, random, tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase,"
          + " triattention";

  private PolicyRules() {}

  /** Why a policy cannot run a network on a card, in one sentence; empty where it can. */
  static Optional<String> refusal(KvCompressionPolicy policy, ModelConfig config) {
    if (policy.scoreRule().orElse(null) instanceof ScoreRule.ExpectedAttention expected) {
      QueryCalibration calibration = expected.calibration();
      if (calibration.numLayers() != config.numLayers()
          || calibration.numHeads() != config.numQueryHeads()
          || 2 * calibration.numPairs() != config.headDim()) {
        return Optional.of(calibrationOfAnotherModel(calibration, config));
      }
    }
    return refusal(policy);
  }

  /** Why a policy cannot run on a card, whatever the network; empty where it can. */
  static Optional<String> refusal(KvCompressionPolicy policy) {
    if (policy.scoreRule().isEmpty()
        || policy.scoreRule().get() instanceof ScoreRule.SelectorAttention
        || policy.scoreRule().get() instanceof ScoreRule.ExpectedAttention
        || numbers(policy.scoreRule().get()).isPresent()) {
      return Optional.empty();
    }
    return Optional.of(
        "The CUDA backend has no kernels for KV policy %s; choose one of %s, or the CPU backend."
            .formatted(policy.settings().name(), SUPPORTED));
  }

  /** The CPU backend's sentence: users see one of them. */
  private static String calibrationOfAnotherModel(
      QueryCalibration calibration, ModelConfig config) {
    return ("The query calibration was made for %d layers of %d heads of %d elements, the model has"
            + " %d of %d of %d; collect one for this model.")
        .formatted(
            calibration.numLayers(),
            calibration.numHeads(),
            2 * calibration.numPairs(),
            config.numLayers(),
            config.numQueryHeads(),
            config.headDim());
  }

  /** The numbers of a rule other than RPC's; empty where no kernel computes it. */
  static Optional<Numbers> numbers(ScoreRule rule) {
    if (rule instanceof ScoreRule.Newest) {
      return Optional.of(withoutQueries(Mode.NEWEST));
    }
    if (rule instanceof ScoreRule.RandomDraw) {
      return Optional.of(withoutQueries(Mode.RANDOM));
    }
    if (rule instanceof RecentAttention recent) {
      return Optional.of(of(Mode.RECENT, recent, 0, 0));
    }
    if (rule instanceof ScoreRule.AccumulatedAttention accumulated
        && accumulated.recent().poolingKernelSize() == 1) {
      return Optional.of(of(Mode.ACCUMULATED, accumulated.recent(), 0, 0));
    }
    if (rule instanceof ScoreRule.ImportanceMinusRedundancy both
        && both.importance().smoothing() == Smoothing.MAXIMUM) {
      return Optional.of(of(Mode.IMPORTANCE, both.importance(), both.lambda(), 0));
    }
    if (rule instanceof ScoreRule.StoredMaximum stored
        && stored.recent().poolingKernelSize() == 1) {
      return Optional.of(
          of(Mode.STORED_MAXIMUM, stored.recent(), stored.redundancyWeight(), stored.decay()));
    }
    if (rule instanceof ScoreRule.LagSpread) {
      // Its own kernel writes shares: their mean over heads ranks.
      return Optional.of(withoutQueries(Mode.RECENT));
    }
    if (rule instanceof ScoreRule.ValueAwareSample sample) {
      // Its own kernels pool, before they draw: their ranks must not be pooled again.
      return Optional.of(
          new Numbers(
              Mode.RECENT,
              number(sample.recent().scope()),
              number(sample.recent().fold()),
              1,
              1,
              1,
              0,
              0));
    }
    if (rule instanceof ScoreRule.ChunkMean chunks
        && chunks.base().ringWeights().stream().allMatch(weight -> weight == 1)) {
      return Optional.of(new Numbers(Mode.CHUNKS, 0, 0, 1, 1, chunks.chunkRows(), 0, 0));
    }
    return Optional.empty();
  }

  private static Numbers withoutQueries(Mode mode) {
    return new Numbers(mode, 0, 0, 1, 1, 1, 0, 0);
  }

  private static Numbers of(Mode mode, RecentAttention recent, float weight, float decay) {
    boolean largest = recent.smoothing() == Smoothing.MAXIMUM;
    return new Numbers(
        mode,
        number(recent.scope()),
        number(recent.fold()),
        largest ? recent.poolingKernelSize() : 1,
        largest ? 1 : recent.poolingKernelSize(),
        1,
        weight,
        decay);
  }

  private static int number(Scope scope) {
    return switch (scope) {
      case CANDIDATES -> 0;
      case ALL_ROWS -> 1;
    };
  }

  private static int number(Fold fold) {
    return switch (fold) {
      case MEAN -> 0;
      case LARGEST_LOGIT -> 1;
      case LARGEST_SHARE -> 2;
    };
  }
}
