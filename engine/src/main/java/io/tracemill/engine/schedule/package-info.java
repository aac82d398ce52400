/**
 * Continuous batching: sequences that wait, run and finish; admission by KV pages; stop rules; the
 * engine thread and the channels through which callers talk to it. Floor 5: depends on floors 0 to
 * 4, and on no particular backend.
 */
package io.tracemill.engine.schedule;
