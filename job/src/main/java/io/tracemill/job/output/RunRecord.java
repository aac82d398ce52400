package io.tracemill.job.output;

import io.tracemill.engine.api.KvPolicySettings;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * One run, as its table holds it.
 *
 * @param runId the run
 * @param fingerprint equal for runs that would make the same traces
 * @param outcome {@code completed} or {@code failed}
 * @param message why it failed; empty where it did not
 * @param applicationId Spark's name of the application
 * @param startedAt when reading began
 * @param endedAt when the last row was committed
 * @param generating the part of it in which rows were generated and written
 * @param modelId name and hash of the model
 * @param engineVersion version of Tracemill
 * @param engine one line about backend and device; empty where none was opened
 * @param kvPolicy the KV policy
 * @param totals what was counted
 * @param settings every option with the value in force
 */
public record RunRecord(
    String runId,
    String fingerprint,
    String outcome,
    Optional<String> message,
    String applicationId,
    Instant startedAt,
    Instant endedAt,
    Duration generating,
    String modelId,
    String engineVersion,
    String engine,
    KvPolicySettings kvPolicy,
    RunTotals totals,
    Map<String, String> settings) {

  /** Generated tokens over the generating part; 0 where there was none. */
  public double tokensPerSecond() {
    return generating.isZero() ? 0 : totals.generatedTokens() * 1_000.0 / generating.toMillis();
  }
}
