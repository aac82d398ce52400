package io.tracemill.gpu.internal.device;

import java.nio.ByteBuffer;
import jcuda.Pointer;

/**
 * Page-locked host memory that the device can read and write.
 *
 * @param pointer the host address as JCuda's copies take it
 * @param hostAddress the host address as a number
 * @param deviceAddress the address by which kernels reach the same bytes
 * @param bytes a direct, native-order view of all of it; at most 1 GB
 */
public record PinnedMemory(
    Pointer pointer, long hostAddress, long deviceAddress, ByteBuffer bytes) {}
