package io.tracemill.gpu.internal.device;

import java.util.Optional;

/**
 * One GPU.
 *
 * @param ordinal its number for the driver
 * @param name for people, such as {@code NVIDIA H100 80GB HBM3}
 * @param uuid stable identity, as {@code nvidia-smi} prints it
 * @param computeMajor compute capability, first number
 * @param computeMinor compute capability, second number
 * @param numMultiprocessors streaming multiprocessors
 * @param sharedBytesPerBlock most dynamic shared memory that a block can opt in to
 * @param l2Bytes level-2 cache
 * @param totalBytes device memory
 * @param driverCudaVersion newest CUDA version of the driver, such as {@code 13.0}; empty where it
 *     could not be asked
 */
public record DeviceInfo(
    int ordinal,
    String name,
    String uuid,
    int computeMajor,
    int computeMinor,
    int numMultiprocessors,
    int sharedBytesPerBlock,
    long l2Bytes,
    long totalBytes,
    Optional<String> driverCudaVersion) {

  /** Least compute capability whose kernels this build has: Ampere, with bf16 tensor cores. */
  public static final int LEAST_COMPUTE_MAJOR = 8;

  /** One line for logs and the start-up table. */
  public String summary() {
    return "%s (sm_%d%d, %d multiprocessors, %.1f GB%s)"
        .formatted(
            name,
            computeMajor,
            computeMinor,
            numMultiprocessors,
            totalBytes / 1e9,
            driverCudaVersion.map(v -> ", driver for CUDA " + v).orElse(""));
  }
}
