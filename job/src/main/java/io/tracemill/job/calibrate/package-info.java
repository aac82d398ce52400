/**
 * Collecting the mean queries of a model over prompts or traces, for KV policies that are
 * calibrated: which texts, in which tasks, into which file. Depends on {@code udf.calibration},
 * {@code job.run} and what that depends on.
 */
package io.tracemill.job.calibrate;
