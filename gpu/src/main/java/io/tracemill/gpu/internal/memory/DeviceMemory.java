package io.tracemill.gpu.internal.memory;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DriverException;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Allocates device memory and keeps the account of it: bytes by purpose and buffers not yet closed,
 * a number that must be zero once a backend is closed. Not thread-safe.
 */
public final class DeviceMemory {
  private final CudaDriver driver;
  private final Map<Purpose, Long> bytesByPurpose = new EnumMap<>(Purpose.class);
  private int openBuffers;
  private long bytesInUse;
  private long peakBytes;

  /** An empty account on the current context of {@code driver}. */
  public DeviceMemory(CudaDriver driver) {
    this.driver = driver;
  }

  /**
   * Allocates uninitialised memory, 256-byte aligned. The caller closes the buffer.
   *
   * @param purpose where the bytes are booked
   * @param what the thing, for the message where there is no room
   * @param bytes at least 1
   * @throws io.tracemill.engine.error.ReasoningException with code {@code OUT_OF_MEMORY}
   */
  public DeviceBuffer allocate(Purpose purpose, String what, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException(what + " of " + bytes + " bytes");
    }
    long address;
    try {
      address = driver.allocate(bytes);
    } catch (DriverException e) {
      if (!CudaErrors.leavesContextIntact(e)) {
        throw e;
      }
      throw CudaErrors.outOfMemory(what, bytes, driver.memoryInfo().freeBytes(), usage(), e);
    }
    bytesByPurpose.merge(purpose, bytes, Long::sum);
    openBuffers++;
    bytesInUse += bytes;
    peakBytes = Math.max(peakBytes, bytesInUse);
    return new DeviceBuffer(this, purpose, address, bytes);
  }

  void release(DeviceBuffer buffer, long address) {
    bytesByPurpose.merge(buffer.purpose(), -buffer.byteSize(), Long::sum);
    openBuffers--;
    bytesInUse -= buffer.byteSize();
    driver.free(address);
  }

  /** Buffers that were allocated and not closed. */
  public int openBuffers() {
    return openBuffers;
  }

  /** Bytes allocated now. */
  public long bytesInUse() {
    return bytesInUse;
  }

  /** Most bytes that were ever allocated at once. */
  public long peakBytes() {
    return peakBytes;
  }

  /** Bytes by purpose, for the start-up table. */
  public SortedMap<String, Long> table() {
    SortedMap<String, Long> table = new TreeMap<>();
    bytesByPurpose.forEach((purpose, bytes) -> table.put(purpose.label(), bytes));
    return table;
  }

  /** The table in one line. */
  public String usage() {
    return bytesByPurpose.isEmpty()
        ? "nothing"
        : bytesByPurpose.entrySet().stream()
            .map(e -> e.getKey().label() + " " + CudaErrors.bytes(e.getValue()))
            .collect(Collectors.joining(", "));
  }
}
