package io.tracemill.engine.api;

import java.util.Map;
import java.util.Objects;

/**
 * Names a KV cache policy and its parameters; a plain value that can be written to a table and read
 * back. What the numbers mean, and whether they fit together, is decided by {@code
 * engine.compress}, which makes the policy.
 *
 * @param name the policy: {@code full}, {@code rpc}, ...
 * @param intervalTokens P, generated tokens between compressions; 0 where the policy has none
 * @param windowTokens R, newest rows that are protected and whose queries select; 0 where the
 *     policy has none
 * @param ratio c, the compression ratio; 0 where the policy has none
 * @param mode a policy's variant, lower case, such as {@code paper} or {@code release}; empty where
 *     it has none
 * @param options further parameters of the policy by name, such as {@code aggregation} or {@code
 *     pooling-kernel}
 */
public record KvPolicySettings(
    String name,
    int intervalTokens,
    int windowTokens,
    int ratio,
    String mode,
    Map<String, String> options) {
  public KvPolicySettings {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(mode, "mode");
    options = Map.copyOf(options);
  }

  /** The policy that keeps every row. */
  public static KvPolicySettings full() {
    return new KvPolicySettings("full", 0, 0, 0, "", Map.of());
  }

  /** RPC as in the paper: P, R and c, one retained set per layer, average pooling over 7 rows. */
  public static KvPolicySettings rpc(int intervalTokens, int windowTokens, int ratio) {
    return new KvPolicySettings("rpc", intervalTokens, windowTokens, ratio, "paper", Map.of());
  }
}
