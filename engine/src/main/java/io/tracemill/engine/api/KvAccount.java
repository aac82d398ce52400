package io.tracemill.engine.api;

import java.util.List;
import java.util.Objects;

/**
 * What the KV cache of one sequence held. A row is one token's key and value in one layer; counts
 * are per layer.
 *
 * @param policy the policy that ran
 * @param compressions compressions done
 * @param fullRows rows a full cache would hold at the end
 * @param finalRows rows held at the end
 * @param peakRows most rows that a step attended to
 * @param meanRows mean over decode steps of the rows a step attended to; the prompt rows where no
 *     step ran
 * @param peakBytes {@code peakRows} in bytes over all layers
 * @param savedRatio 1 - (sum of rows attended) / (the same sum with a full cache), in [0, 1)
 * @param compressMillis device time of all compressions
 * @param events every compression, in order
 */
public record KvAccount(
    KvPolicySettings policy,
    int compressions,
    long fullRows,
    long finalRows,
    long peakRows,
    double meanRows,
    long peakBytes,
    double savedRatio,
    double compressMillis,
    List<CompressionEvent> events) {
  public KvAccount {
    Objects.requireNonNull(policy, "policy");
    events = List.copyOf(events);
  }
}
