package io.tracemill.gpu.internal.memory;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.PinnedMemory;
import java.nio.ByteBuffer;

/** Page-locked host memory with an owner, at most 1 GB. Not thread-safe. */
public final class PinnedBuffer implements AutoCloseable {
  /** Largest size: direct buffers count in ints. */
  public static final int MAX_BYTES = 1 << 30;

  private final CudaDriver driver;
  private final PinnedMemory memory;
  private boolean closed;

  /**
   * Allocates; the caller closes.
   *
   * @param bytes 1 to {@link #MAX_BYTES}
   */
  public PinnedBuffer(CudaDriver driver, int bytes) {
    if (bytes < 1 || bytes > MAX_BYTES) {
      throw new IllegalArgumentException("a pinned buffer of " + bytes + " bytes");
    }
    this.driver = driver;
    this.memory = driver.allocatePinned(bytes);
  }

  /** The memory, for copies and launches. */
  public PinnedMemory memory() {
    return memory;
  }

  /** A direct view of all bytes, native order; invalid after {@link #close}. */
  public ByteBuffer bytes() {
    return memory.bytes();
  }

  /** The address by which kernels reach the bytes. */
  public long deviceAddress() {
    return memory.deviceAddress();
  }

  /** Frees the memory. Closing twice is allowed. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      driver.freePinned(memory);
    }
  }
}
