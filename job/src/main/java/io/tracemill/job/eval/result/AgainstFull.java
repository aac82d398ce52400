package io.tracemill.job.eval.result;

/**
 * Rows of a cell against the same problems and samples with a full cache at the same temperature.
 *
 * @param pairs problems and samples that ran in both
 * @param fullAccuracy share right with the full cache, over these problems
 * @param difference share right in the cell less that
 * @param low end of the difference's 95 % interval
 * @param high end of the difference's 95 % interval
 * @param won pairs that only the cell has right
 * @param lost pairs that only the full cache has right
 * @param pValue chance of a difference this large in either direction, were there none
 * @param holmPValue the same, corrected for all cells of the grid
 * @param method how {@code pValue} was found
 * @param lengthInflation generated tokens over those with the full cache, in pairs that are
 *     complete in both; NaN without any
 * @param kvShrink rows held with the full cache over those held in the cell, means over steps added
 *     up over pairs
 */
public record AgainstFull(
    long pairs,
    double fullAccuracy,
    double difference,
    double low,
    double high,
    long won,
    long lost,
    double pValue,
    double holmPValue,
    String method,
    double lengthInflation,
    double kvShrink) {

  /** The same with a p value that was corrected for the tests beside it. */
  public AgainstFull withHolm(double corrected) {
    return new AgainstFull(
        pairs,
        fullAccuracy,
        difference,
        low,
        high,
        won,
        lost,
        pValue,
        corrected,
        method,
        lengthInflation,
        kvShrink);
  }
}
