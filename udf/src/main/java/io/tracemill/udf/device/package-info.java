/**
 * Which accelerator an executor's engine runs on: labels of Spark's resources, the cards that this
 * process sees, and one engine a card on every host. Depends on {@code udf.host}, {@code
 * engine.error} and Spark's {@code TaskContext}.
 */
package io.tracemill.udf.device;
