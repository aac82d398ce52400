package io.tracemill.job.eval.result;

import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What an evaluation found in one cell.
 *
 * @param cell policy and temperature; unique
 * @param given the policy as it was written
 * @param policy the policy with all parameters
 * @param policyName its name
 * @param temperature 0 is greedy
 * @param samples asked for each problem
 * @param proof what the counters prove
 * @param tokensPerSecond of the cell's rows, where they ran without others beside them
 * @param all over all rows
 * @param compressed over rows that were compressed; empty where none was
 */
public record CellResult(
    String cell,
    String given,
    String policy,
    String policyName,
    double temperature,
    int samples,
    CompressionProof proof,
    OptionalDouble tokensPerSecond,
    RowGroup all,
    Optional<RowGroup> compressed) {
  public CellResult {
    Objects.requireNonNull(tokensPerSecond, "tokensPerSecond");
    Objects.requireNonNull(compressed, "compressed");
  }

  /** Whether the cell has the full cache. */
  public boolean isFull() {
    return policyName.equals("full");
  }
}
