/** What an evaluation found, and the table that holds it. Depends on Spark only. */
package io.tracemill.job.eval.result;
