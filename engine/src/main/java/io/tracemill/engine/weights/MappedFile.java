package io.tracemill.engine.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file mapped into memory, of any size. One buffer holds at most 2 GB, so the file is mapped in
 * windows that start every {@code strideBytes} and are twice that long: any part of up to one
 * stride lies whole in one window. Longer parts get a mapping of their own.
 */
final class MappedFile implements AutoCloseable {
  private static final long STRIDE_BYTES = 1L << 30;

  private final Path path;
  private final FileChannel channel;
  private final long byteSize;
  private final long strideBytes;
  private ByteBuffer[] windows;

  private MappedFile(Path path, FileChannel channel, long byteSize, long strideBytes) {
    this.path = path;
    this.channel = channel;
    this.byteSize = byteSize;
    this.strideBytes = strideBytes;
    this.windows = new ByteBuffer[Math.toIntExact(byteSize / strideBytes + 1)];
  }

  static MappedFile open(Path path) {
    return open(path, STRIDE_BYTES);
  }

  /** As {@link #open(Path)}, with windows small enough for a test. */
  static MappedFile open(Path path, long strideBytes) {
    try {
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      return new MappedFile(path, channel, channel.size(), strideBytes);
    } catch (IOException e) {
      throw CheckpointErrors.unreadable(path, e);
    }
  }

  Path path() {
    return path;
  }

  long byteSize() {
    return byteSize;
  }

  /** A read-only little-endian view of a part that lies within the file. */
  synchronized ByteBuffer slice(long offset, int length) {
    if (offset < 0 || length < 0 || offset + length > byteSize) {
      throw new IllegalArgumentException(
          "no part: %d bytes at %d of %d in %s".formatted(length, offset, byteSize, path));
    }
    if (windows.length == 0) {
      throw new IllegalStateException(path + " is closed");
    }
    if (length > strideBytes) {
      return map(offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    int window = (int) (offset / strideBytes);
    long start = window * strideBytes;
    if (windows[window] == null) {
      long longest = Math.min(2 * strideBytes, Integer.MAX_VALUE);
      windows[window] = map(start, Math.min(longest, byteSize - start));
    }
    if (offset - start + length > windows[window].capacity()) {
      return map(offset, length).order(ByteOrder.LITTLE_ENDIAN);
    }
    return windows[window].slice((int) (offset - start), length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private ByteBuffer map(long start, long length) {
    try {
      return channel.map(MapMode.READ_ONLY, start, length);
    } catch (IOException e) {
      throw CheckpointErrors.unreadable(path, e);
    }
  }

  /**
   * Closes the file and lets go of its windows; the memory is unmapped once no view of it is
   * reachable.
   */
  @Override
  public synchronized void close() {
    windows = new ByteBuffer[0];
    try {
      channel.close();
    } catch (IOException e) {
      throw CheckpointErrors.unreadable(path, e);
    }
  }
}
