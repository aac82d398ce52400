/**
 * The length model of an output: finding it, opening it, fitting it from the traces. Depends on
 * {@code job.output}, {@code job.error} and {@code udf}.
 */
package io.tracemill.job.length;
