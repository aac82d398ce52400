/**
 * Runs the cells of {@code notebooks/}: Scala in its interpreter, SQL in Spark, Python beside it.
 */
package io.tracemill.job.notebook;
