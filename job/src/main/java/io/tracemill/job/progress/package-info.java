/**
 * What a person sees while a run goes on and when it ends. Depends on {@code udf}'s counters,
 * {@code udf.ml.length}'s forecasts and {@code job.output}'s totals.
 */
package io.tracemill.job.progress;
