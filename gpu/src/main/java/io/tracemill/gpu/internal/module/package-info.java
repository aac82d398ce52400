/**
 * The compiled kernels that ship in the jar: their manifest, and loading them as machine code or,
 * where the driver refuses that, as PTX. Depends on {@code gpu.internal.device}.
 */
package io.tracemill.gpu.internal.module;
