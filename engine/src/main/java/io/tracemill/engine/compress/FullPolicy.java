package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.List;
import java.util.Optional;

/** Keeps every row: the control that every other policy is compared with. */
final class FullPolicy implements KvCompressionPolicy {
  static final String NAME = "full";

  private static final FullPolicy INSTANCE = new FullPolicy();

  private FullPolicy() {}

  static FullPolicy of(KvPolicySettings settings) {
    refuseNumber("interval", settings.intervalTokens());
    refuseNumber("window", settings.windowTokens());
    refuseNumber("compression ratio", settings.ratio());
    if (!settings.mode().isEmpty()) {
      throw PolicyErrors.badOption(NAME, "mode", settings.mode(), "left out");
    }
    for (String option : settings.options().keySet()) {
      throw PolicyErrors.unknownOption(NAME, option, List.of());
    }
    return INSTANCE;
  }

  @Override
  public KvPolicySettings settings() {
    return KvPolicySettings.full();
  }

  @Override
  public PolicyNeeds needs() {
    return PolicyNeeds.NONE;
  }

  @Override
  public CompressionSchedule schedule() {
    return FullSchedule.INSTANCE;
  }

  @Override
  public Optional<ScoreRule> scoreRule() {
    return Optional.empty();
  }

  private static void refuseNumber(String parameter, int value) {
    if (value != 0) {
      throw PolicyErrors.unusedParameter(NAME, parameter, value);
    }
  }
}
