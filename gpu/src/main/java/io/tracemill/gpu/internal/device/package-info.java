/**
 * The CUDA driver behind one interface: finding the native library, devices, contexts, streams,
 * events, launches and the translation of driver errors. Depends on JCuda, JNA and {@code
 * engine.error} only; the rest of {@code gpu} reaches JCuda through here.
 */
package io.tracemill.gpu.internal.device;
