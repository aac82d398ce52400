package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.List;

/** Makes policies from their settings; the one place that knows all of them by name. */
public final class KvPolicies {
  /** Names that {@link #create} accepts. */
  public static final List<String> NAMES = List.of(FullPolicy.NAME, RpcPolicy.NAME);

  private KvPolicies() {}

  /**
   * The policy that the settings describe.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     the policy, a mode or an option is unknown, or a number is out of its range
   */
  public static KvCompressionPolicy create(KvPolicySettings settings) {
    return switch (settings.name()) {
      case FullPolicy.NAME -> FullPolicy.of(settings);
      case RpcPolicy.NAME -> RpcPolicy.of(settings);
      default -> throw PolicyErrors.unknownPolicy(settings.name(), NAMES);
    };
  }
}
