/**
 * Collecting a model's queries inside executors. Depends on {@code udf.model} and {@code engine}.
 */
package io.tracemill.udf.calibration;
