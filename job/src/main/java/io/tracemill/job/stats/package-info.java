/** Intervals and tests over rows that belong together. Depends on {@code udf.grade}. */
package io.tracemill.job.stats;
