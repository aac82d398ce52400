/**
 * The command line: options, their checks, the subcommands. Depends on all of {@code job} but its
 * main class.
 */
package io.tracemill.job.cli;
