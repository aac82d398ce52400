package io.tracemill.engine;

/**
 * Counters of a running engine, since it was opened unless said otherwise; cheap enough to read
 * every second.
 *
 * @param slots lanes
 * @param running sequences that hold a lane now
 * @param waiting requests that wait for one now
 * @param usedPages KV pages in use now
 * @param totalPages KV pages of the pool
 * @param steps decode steps
 * @param laneSteps sum over decode steps of the lanes that took part; divided by {@code steps *
 *     slots} the occupancy
 * @param promptTokens prompt tokens processed
 * @param generatedTokens tokens generated
 * @param finishedRequests results produced, failures included
 * @param failedRequests of these, with an error
 * @param compressions compressions done
 * @param attendedRows sum over lane steps of rows attended to
 * @param fullAttendedRows the same sum had no row been dropped
 */
public record EngineSnapshot(
    int slots,
    int running,
    int waiting,
    int usedPages,
    int totalPages,
    long steps,
    long laneSteps,
    long promptTokens,
    long generatedTokens,
    long finishedRequests,
    long failedRequests,
    long compressions,
    long attendedRows,
    long fullAttendedRows) {}
