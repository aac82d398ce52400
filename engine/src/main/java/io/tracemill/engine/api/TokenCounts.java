package io.tracemill.engine.api;

/**
 * Lengths of one output in tokens.
 *
 * @param prompt tokens of the rendered prompt
 * @param thinking generated tokens up to and including the closing thinking tag
 * @param answer generated tokens after it
 * @param generated all generated tokens, the one that ended the output included
 */
public record TokenCounts(int prompt, int thinking, int answer, int generated) {}
