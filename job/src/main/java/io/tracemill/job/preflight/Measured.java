package io.tracemill.job.preflight;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What an engine did with a sample of rows, in a form that travels from an executor.
 *
 * @param executorId Spark's name of the executor
 * @param host its host
 * @param facts the engine; null where it has no description or could not be opened, as {@code
 *     Optional} does not travel
 * @param vectorModule whether the JVM has the Vector API
 * @param openSeconds from asking for the engine to having it
 * @param rows rows that finished
 * @param lanes most rows that ran at once
 * @param generatedTokens tokens of all rows, of those too that had not finished
 * @param seconds from the first submission to the end
 * @param fullTokensPerSecond speed while most rows ran; 0 where that was too short to tell
 * @param unfinished rows that ran longer than the time allowed
 * @param failure why the engine could not be opened or died; empty where it did not
 */
record Measured(
    String executorId,
    String host,
    EngineFacts facts,
    boolean vectorModule,
    double openSeconds,
    ArrayList<Finished> rows,
    int lanes,
    long generatedTokens,
    double seconds,
    double fullTokensPerSecond,
    int unfinished,
    String failure)
    implements Serializable {

  /**
   * A row that finished.
   *
   * @param error the sentence; empty where there is none
   */
  record Finished(String key, int promptTokens, int generatedTokens, String reason, String error)
      implements Serializable {}

  Optional<EngineFacts> engine() {
    return Optional.ofNullable(facts);
  }

  boolean hasFailed() {
    return !failure.isEmpty();
  }

  List<Finished> generated() {
    return rows.stream().filter(row -> row.error().isEmpty()).toList();
  }

  List<Finished> failed() {
    return rows.stream().filter(row -> !row.error().isEmpty()).toList();
  }

  /** Generated tokens over the whole time, the prompts' time and the drained end included. */
  double meanTokensPerSecond() {
    return seconds > 0 ? generatedTokens / seconds : 0;
  }
}
