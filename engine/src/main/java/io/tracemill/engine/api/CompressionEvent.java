package io.tracemill.engine.api;

/**
 * One compression of one sequence. Row counts are per layer and equal in all layers.
 *
 * @param step decode step k after whose attention it ran (step k feeds output token k)
 * @param rowsBefore rows in the cache after the append of that step
 * @param rowsAfter rows left: prompt, survivors and window
 * @param candidates rows that competed
 * @param retained candidates that were kept
 * @param scoreCut lowest score that was kept, the mean over layers (and KV heads, where each keeps
 *     its own set)
 * @param millis device time of this compression; where several sequences were compressed together,
 *     its share by rows
 */
public record CompressionEvent(
    int step,
    int rowsBefore,
    int rowsAfter,
    int candidates,
    int retained,
    float scoreCut,
    float millis) {}
