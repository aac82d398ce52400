/**
 * Generating a row of a finished run again and comparing it with what the table holds. Depends on
 * {@code job.run} and what it depends on.
 */
package io.tracemill.job.replay;
