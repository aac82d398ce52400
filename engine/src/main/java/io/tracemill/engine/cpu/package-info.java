/**
 * The CPU backend: weights kept as they are stored, float32 arithmetic, all cores. It is the
 * reference that other backends are tested against, so every number has one fixed order of
 * operations: results depend neither on the batch, nor on the number of threads, nor on how a
 * prompt is cut, nor on the width of the vector registers. Floor 5: depends on floors 0 to 4.
 */
package io.tracemill.engine.cpu;
