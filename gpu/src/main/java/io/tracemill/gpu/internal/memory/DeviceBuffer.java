package io.tracemill.gpu.internal.memory;

/**
 * A piece of device memory. Whoever allocated it closes it; the garbage collector frees no device
 * memory. Not thread-safe.
 */
public final class DeviceBuffer implements AutoCloseable {
  private final DeviceMemory memory;
  private final Purpose purpose;
  private final long address;
  private final long byteSize;
  private boolean closed;

  DeviceBuffer(DeviceMemory memory, Purpose purpose, long address, long byteSize) {
    this.memory = memory;
    this.purpose = purpose;
    this.address = address;
    this.byteSize = byteSize;
  }

  /**
   * The device address.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public long address() {
    if (closed) {
      throw new IllegalStateException("a closed " + purpose.label() + " buffer was used");
    }
    return address;
  }

  /** The address of a byte inside, for parts of a larger buffer. */
  public long address(long byteOffset) {
    if (byteOffset < 0 || byteOffset >= byteSize) {
      throw new IllegalArgumentException(
          "offset %d is outside a buffer of %d bytes".formatted(byteOffset, byteSize));
    }
    return address() + byteOffset;
  }

  /** Size in bytes. */
  public long byteSize() {
    return byteSize;
  }

  Purpose purpose() {
    return purpose;
  }

  /** Frees the memory once the device is done with it. Closing twice is allowed. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      memory.release(this, address);
    }
  }
}
