package io.tracemill.engine;

import io.tracemill.engine.model.ModelConfig;

/** Refuses engine options that are out of their range, one sentence each. */
final class EngineOptionChecks {
  private static final int MIN_CONTEXT_TOKENS = 2;

  private EngineOptionChecks() {}

  static void check(EngineOptions options) {
    requireAtLeast("slots", options.slots(), 1);
    requireAtLeast("prefill-chunk-tokens", options.prefillChunkTokens(), 1);
    requireAtLeast("query-ring-depth", options.queryRingDepth(), 0);
    options.threads().ifPresent(threads -> requireAtLeast("threads", threads, 1));
    options.deviceOrdinal().ifPresent(ordinal -> requireAtLeast("device-ordinal", ordinal, 0));
    options
        .maxContextTokens()
        .ifPresent(tokens -> requireAtLeast("max-context-tokens", tokens, MIN_CONTEXT_TOKENS));
    options.kvCacheBytes().ifPresent(bytes -> requireAtLeast("kv-cache-bytes", bytes, 1));
    int timeout = options.callTimeoutSeconds();
    if (timeout < 1 || timeout > EngineOptions.MAX_CALL_TIMEOUT_SECONDS) {
      throw EngineErrors.outOfRange(
          "call-timeout-seconds",
          timeout,
          "from 1 to %d, and cannot be switched off"
              .formatted(EngineOptions.MAX_CALL_TIMEOUT_SECONDS));
    }
    double fraction = options.kvMemoryFraction();
    if (!(fraction > 0 && fraction <= 1)) {
      throw EngineErrors.outOfRange("kv-memory-fraction", fraction, "above 0 and at most 1");
    }
  }

  /** The context limit: what the options ask for, at most what the model was made for. */
  static int maxContextTokens(EngineOptions options, ModelConfig config) {
    int wanted = options.maxContextTokens().orElse(config.maxPositions());
    if (wanted > config.maxPositions()) {
      throw EngineErrors.contextTooLong(wanted, config.maxPositions(), options.modelDirectory());
    }
    return wanted;
  }

  private static void requireAtLeast(String option, long value, long least) {
    if (value < least) {
      throw EngineErrors.outOfRange(option, value, least + " or more");
    }
  }
}
