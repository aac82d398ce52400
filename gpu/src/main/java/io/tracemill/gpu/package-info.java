/**
 * The CUDA backend's public face: a provider that the engine finds with {@link
 * java.util.ServiceLoader}. Everything else is internal.
 */
package io.tracemill.gpu;
