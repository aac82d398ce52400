/**
 * One launcher per kernel of {@code src/main/cuda}: its name, grid, block, shared memory and
 * parameters, and nothing else. Launchers enqueue and never wait. Depends on {@code
 * gpu.internal.device}, {@code memory} and {@code module}.
 */
package io.tracemill.gpu.internal.kernel;
