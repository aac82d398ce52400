/**
 * Which rows are still due, and their generation wave by wave: the comparison of an input with what
 * is committed, the dealing of rows to waves, two waves at once so that no engine runs dry between
 * them. Depends on {@code job.input}, {@code job.output} and {@code job.error}.
 */
package io.tracemill.job.wave;
