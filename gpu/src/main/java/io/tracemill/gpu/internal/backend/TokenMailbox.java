package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.kernel.BatchRows;
import io.tracemill.gpu.internal.kernel.PublishKernel;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import jcuda.driver.CUstream;

/**
 * Tokens on their way from the device: mapped page-locked memory that the last kernel of each batch
 * writes and Java polls, so that reading a step's tokens takes no driver call. Batches are numbered
 * from 1 in the order they are enqueued; the device publishes them in that order.
 */
final class TokenMailbox implements AutoCloseable {
  private static final VarHandle INTS =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());
  private static final int TOKENS_OFFSET = 256;
  private static final int BYTES =
      TOKENS_OFFSET + PublishKernel.TOKEN_SLOTS * BatchRows.MAX_ROWS * Integer.BYTES;
  private static final long SPIN_NANOS = TimeUnit.MICROSECONDS.toNanos(30);
  private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(20);
  private static final long CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long SILENCE_MILLIS = TimeUnit.MINUTES.toMillis(5);

  private final CudaDriver driver;
  private final CUstream stream;
  private final PinnedBuffer memory;
  private final Batch[] unread = new Batch[PublishKernel.TOKEN_SLOTS];
  private int enqueued;

  TokenMailbox(CudaDriver driver, CUstream stream) {
    this.driver = driver;
    this.stream = stream;
    this.memory = new PinnedBuffer(driver, BYTES);
    for (int i = 0; i < BYTES; i += Integer.BYTES) {
      memory.bytes().putInt(i, 0);
    }
  }

  /** Device address of the sequence number. */
  long sequenceAddress() {
    return memory.deviceAddress();
  }

  /** Device address of the token slots. */
  long tokensAddress() {
    return memory.deviceAddress() + TOKENS_OFFSET;
  }

  /** Number of the batch that is enqueued next. */
  int nextBatch() {
    return enqueued + 1;
  }

  /** Makes the slot of the next batch free: reads the batch that used it, should nobody have. */
  void prepareNext() {
    Batch earlier = unread[enqueued % PublishKernel.TOKEN_SLOTS];
    if (earlier != null) {
      earlier.read();
    }
  }

  /**
   * Counts a batch whose publishing kernel has just been enqueued.
   *
   * @param rows its tokens
   * @param doing what it does, for messages
   */
  PendingTokens enqueued(int rows, String doing) {
    Batch batch = new Batch(enqueued + 1, rows, doing);
    unread[enqueued % PublishKernel.TOKEN_SLOTS] = batch;
    enqueued++;
    return batch;
  }

  /** Whether the device has published a batch. */
  boolean isPublished(int batch) {
    return (int) INTS.getAcquire(memory.bytes(), 0) - batch >= 0;
  }

  /** Waits until a batch that has been enqueued is published. */
  void await(int batch, String doing) {
    long start = System.nanoTime();
    long lastCheck = start;
    while (!isPublished(batch)) {
      long now = System.nanoTime();
      if (now - start < SPIN_NANOS) {
        Thread.onSpinWait();
        continue;
      }
      if (now - lastCheck > CHECK_NANOS) {
        lastCheck = now;
        checkAlive(batch, doing, TimeUnit.NANOSECONDS.toMillis(now - start));
      }
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  private void checkAlive(int batch, String doing, long millis) {
    boolean idle;
    try {
      idle = driver.isIdle(stream);
    } catch (DriverException e) {
      throw CudaErrors.deviceFailed(doing, e);
    }
    if ((idle && !isPublished(batch)) || millis > SILENCE_MILLIS) {
      throw CudaErrors.deviceSilent(doing, millis);
    }
  }

  /** Frees the memory. */
  @Override
  public void close() {
    memory.close();
  }

  /** One batch's tokens. */
  private final class Batch implements PendingTokens {
    private final int number;
    private final int rows;
    private final String doing;
    private int[] tokens;

    Batch(int number, int rows, String doing) {
      this.number = number;
      this.rows = rows;
      this.doing = doing;
    }

    @Override
    public int size() {
      return rows;
    }

    @Override
    public boolean isDone() {
      return tokens != null || isPublished(number);
    }

    @Override
    public int[] await() {
      read();
      return tokens.clone();
    }

    private void read() {
      if (tokens != null) {
        return;
      }
      TokenMailbox.this.await(number, doing);
      int[] copy = new int[rows];
      int slot = (number - 1) % PublishKernel.TOKEN_SLOTS;
      ByteBuffer bytes = memory.bytes();
      int first = TOKENS_OFFSET + slot * BatchRows.MAX_ROWS * Integer.BYTES;
      for (int row = 0; row < rows; row++) {
        copy[row] = bytes.getInt(first + row * Integer.BYTES);
      }
      tokens = copy;
      if (unread[slot] == this) {
        unread[slot] = null;
      }
    }
  }
}
