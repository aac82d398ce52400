/**
 * Tensors of a checkpoint, memory-mapped where they lie. Floor 3: depends on {@code model} and
 * {@code error}.
 */
package io.tracemill.engine.weights;
