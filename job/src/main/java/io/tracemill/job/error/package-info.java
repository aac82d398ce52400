/** What stops a run, as one sentence and an exit code. Depends on {@code engine.error} only. */
package io.tracemill.job.error;
