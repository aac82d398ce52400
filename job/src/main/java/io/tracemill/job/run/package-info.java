/**
 * One run from input to tables: plan, generate, write, count. Depends on {@code job.input}, {@code
 * job.output}, {@code job.length}, {@code job.progress}, {@code job.wave}, {@code job.session},
 * {@code job.error} and {@code udf}.
 */
package io.tracemill.job.run;
