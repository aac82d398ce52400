/**
 * The CUDA backend: weights on their way to the device, lane state, decode steps as graphs,
 * prefill, compression and the tokens' way back. Depends on the engine's {@code backend} floor and
 * below, and on the other packages of {@code gpu.internal}.
 */
package io.tracemill.gpu.internal.backend;
