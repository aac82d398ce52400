package io.tracemill.job.eval.result;

/**
 * What the counters of a cell's rows prove. Every compression that a backend did is recorded with
 * its step and the rows before and after it; the policy says in closed form what these must be.
 *
 * @param asPlanned rows whose every compression came at the planned step and left the planned rows
 * @param withinBound rows of a policy that decides how many stay: at the planned steps, with at
 *     most the planned rows
 * @param otherwise rows that did something else; 0 unless there is a fault
 * @param neverCompressed rows that were over before their first compression, or whose policy has
 *     none
 * @param leastCompressions of a row
 * @param mostCompressions of a row
 * @param sameAsFull rows never compressed that have token for token the output of the full cache;
 *     only greedy rows are compared
 * @param otherThanFull rows never compressed that have not; 0 unless there is a fault
 */
public record CompressionProof(
    long asPlanned,
    long withinBound,
    long otherwise,
    long neverCompressed,
    long leastCompressions,
    long mostCompressions,
    long sameAsFull,
    long otherThanFull) {

  /** Whether nothing speaks against the policy having run as it says. */
  public boolean holds() {
    return otherwise == 0 && otherThanFull == 0;
  }
}
