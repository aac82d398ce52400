/** What an evaluation found, and the table that holds it. Depends on {@code job.error}. */
package io.tracemill.job.eval.result;
