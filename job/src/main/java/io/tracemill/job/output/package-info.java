/**
 * The tables a run writes: their columns, their folder, their row counts. Depends on {@code udf},
 * {@code engine.api} and {@code job.error}.
 */
package io.tracemill.job.output;
