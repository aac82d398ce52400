/**
 * What a person sees while a run goes on and when it ends. Depends on {@code udf}'s counters and
 * {@code job.output}'s totals.
 */
package io.tracemill.job.progress;
