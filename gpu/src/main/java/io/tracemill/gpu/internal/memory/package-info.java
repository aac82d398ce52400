/**
 * Device memory with owners: buffers, the account of every byte by purpose, page-locked staging and
 * the arithmetic of what fits. Depends on {@code gpu.internal.device}.
 */
package io.tracemill.gpu.internal.memory;
