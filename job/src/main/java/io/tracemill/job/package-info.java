/** The main class. Depends on {@code job.cli}. */
package io.tracemill.job;
