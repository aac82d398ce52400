/**
 * What Spark and the engine share: the one engine of an executor, the settings that travel to it,
 * the feeder of a task, and the counters that travel back. Depends on the engine's facade ({@code
 * engine}, {@code engine.api}, {@code engine.error}, {@code engine.compress} for checking settings)
 * and on Spark; never on a backend.
 */
package io.tracemill.udf;
