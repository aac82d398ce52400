/**
 * The values that travel between callers and the engine: requests, sampling parameters, results,
 * the KV account. Floor 1: plain records without behaviour beyond their checks; depends on {@code
 * engine.error} only.
 */
package io.tracemill.engine.api;
