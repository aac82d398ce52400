package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.Optional;

/**
 * Which rows of a sequence's KV cache survive. Immutable and shared by all sequences that use it; a
 * policy is a schedule (when, how many at most), a score rule (which) and a keep rule (whether
 * fewer may do). Everything the schedule says is known on the host without reading a device.
 */
public interface KvCompressionPolicy {

  /** The settings this policy was made from, defaults filled in. */
  KvPolicySettings settings();

  /** What a backend must record while it decodes, so that {@link #scoreRule} can be computed. */
  PolicyNeeds needs();

  /** When compressions happen and how many rows they leave. */
  CompressionSchedule schedule();

  /** How candidates are ranked; absent where {@link CompressionSchedule#dueAfter} never holds. */
  Optional<ScoreRule> scoreRule();

  /** How many of the candidates stay; as many as the schedule plans, unless a policy says more. */
  default KeepRule keepRule() {
    return KeepRule.AS_PLANNED;
  }
}
