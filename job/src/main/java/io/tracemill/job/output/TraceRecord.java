package io.tracemill.job.output;

import io.tracemill.engine.api.GenerationResult;
import io.tracemill.udf.GenerationSettings;
import java.io.Serializable;
import java.time.Instant;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * Everything a row of the traces table is made of.
 *
 * @param run what all rows of a run share
 * @param place where it was made
 * @param wave of the run that it is committed with
 * @param requestHash what the row asked for
 * @param attempts how often it was begun: attempts of the Spark task, and of earlier runs where
 *     those ended in an error
 * @param finishedAt when it left the engine
 * @param prompt the text, or the conversation as JSON; empty where the row had none
 * @param input the carried columns; empty where there are none
 * @param predictedTokens median of the generated tokens, as predicted; empty without a prediction
 * @param request what the row was asked for
 * @param result what the engine said
 */
public record TraceRecord(
    RunStamp run,
    Place place,
    int wave,
    String requestHash,
    int attempts,
    Instant finishedAt,
    Optional<String> prompt,
    Optional<Row> input,
    Optional<Double> predictedTokens,
    Request request,
    GenerationResult result) {

  /** What all rows of a run share. */
  public record RunStamp(String runId, String modelId, String engineVersion)
      implements Serializable {}

  /** Where a row was made. */
  public record Place(String executorId, String backend, Optional<String> deviceUuid) {}

  /** What a row was asked for: how its prompt is to be read, and how it was generated. */
  public record Request(RequestColumn.PromptKind kind, GenerationSettings settings) {}
}
