package io.tracemill.engine;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.BackendProvider;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.model.ModelConfig;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Makes the policies of requests, each once: a policy may hold a file of statistics. Refuses what
 * the backend cannot run.
 */
final class RequestPolicies {
  /** Rows may name policies of their own; so many different ones are remembered. */
  private static final int MOST_REMEMBERED = 256;

  private final BackendProvider provider;
  private final ModelConfig config;
  private final Map<KvPolicySettings, KvCompressionPolicy> made = new ConcurrentHashMap<>();

  RequestPolicies(BackendProvider provider, ModelConfig config) {
    this.provider = provider;
    this.config = config;
  }

  /**
   * The policy of the settings.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     the settings are wrong or the backend cannot run the policy
   */
  KvCompressionPolicy of(KvPolicySettings settings) {
    KvCompressionPolicy known = made.get(settings);
    if (known != null) {
      return known;
    }
    KvCompressionPolicy policy = KvPolicies.create(settings);
    provider
        .refusal(policy, config)
        .ifPresent(
            reason -> {
              throw EngineErrors.policyRefused(reason);
            });
    if (made.size() < MOST_REMEMBERED) {
      made.put(settings, policy);
    }
    return policy;
  }
}
