/**
 * What stops a command, as one sentence and an exit code; the sentences lie by concept, all in this
 * package, for review. Depends on {@code engine.error} only.
 */
package io.tracemill.job.error;
