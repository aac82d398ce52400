package io.tracemill.job.output;

import io.tracemill.engine.api.KvPolicySettings;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

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
 * @param modelId name and hash of the model
 * @param engineVersion version of Tracemill
 * @param engine one line about backend and device; empty where none was opened
 * @param kvPolicy the KV policy
 * @param totals what was counted
 * @param settings every option with the value in force
 * @param timeline what engines were doing over time, in order of time; may be empty
 */
public record RunRecord(
    String runId,
    String fingerprint,
    String outcome,
    Optional<String> message,
    String applicationId,
    Instant startedAt,
    Instant endedAt,
    String modelId,
    String engineVersion,
    String engine,
    KvPolicySettings kvPolicy,
    RunTotals totals,
    Map<String, String> settings,
    List<TimelinePoint> timeline) {
  public RunRecord {
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    timeline = List.copyOf(timeline);
  }
}
