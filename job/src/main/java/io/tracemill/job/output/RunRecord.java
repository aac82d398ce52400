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
 * @param identity the settings behind the fingerprint, by name
 * @param state how it stands
 * @param message why it failed; empty where it did not
 * @param applicationId Spark's name of the application
 * @param startedAt when reading began
 * @param endedAt when the last row was committed; empty while it runs
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
    Map<String, String> identity,
    RunState state,
    Optional<String> message,
    String applicationId,
    Instant startedAt,
    Optional<Instant> endedAt,
    String modelId,
    String engineVersion,
    String engine,
    KvPolicySettings kvPolicy,
    RunTotals totals,
    Map<String, String> settings,
    List<TimelinePoint> timeline) {
  public RunRecord {
    identity = Collections.unmodifiableMap(new TreeMap<>(identity));
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
    timeline = List.copyOf(timeline);
  }

  /** The same run at its end. */
  public RunRecord ended(
      RunState how,
      Optional<String> why,
      Instant when,
      RunTotals counted,
      List<TimelinePoint> points) {
    return new RunRecord(
        runId,
        fingerprint,
        identity,
        how,
        why,
        applicationId,
        startedAt,
        Optional.of(when),
        modelId,
        engineVersion,
        engine,
        kvPolicy,
        counted,
        settings,
        points);
  }
}
