/**
 * What can be known about a run before it starts: checks of options and files, of Spark's settings
 * and of the output, an engine opened where it will run, a measured sample and what it says about
 * time and cost. Nothing here changes a table or a folder. Depends on {@code job.run} and what it
 * depends on.
 */
package io.tracemill.job.preflight;
