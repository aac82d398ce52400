/** Starting Spark for a run: what it must have, what it must not. Depends on {@code job.error}. */
package io.tracemill.job.session;
