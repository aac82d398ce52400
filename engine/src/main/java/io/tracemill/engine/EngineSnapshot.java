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
 * @param usedPageSteps sum over decode steps of the KV pages in use; divided by {@code steps *
 *     totalPages} the mean fill of the pool
 * @param laneSeconds sum over lanes of the seconds that sequences held them; divided by {@code
 *     openSeconds * slots} the occupancy over time
 * @param openSeconds seconds since the engine was opened
 * @param restarts sequences that lost their lane for want of memory and started anew
 * @param promptTokens prompt tokens processed
 * @param sharedPromptTokens prompt tokens that were not, since another sample of the same prompt
 *     had made their rows
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
    long usedPageSteps,
    double laneSeconds,
    double openSeconds,
    long restarts,
    long promptTokens,
    long sharedPromptTokens,
    long generatedTokens,
    long finishedRequests,
    long failedRequests,
    long compressions,
    long attendedRows,
    long fullAttendedRows) {}
