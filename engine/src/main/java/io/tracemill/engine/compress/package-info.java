/**
 * KV cache policies: when a sequence is compressed, how many rows stay and how rows are scored.
 * Decisions only; pages are kept by {@code kvcache}, and scores are computed and rows are moved by
 * a backend. Floor 2: depends on {@code api} and {@code error}.
 */
package io.tracemill.engine.compress;
