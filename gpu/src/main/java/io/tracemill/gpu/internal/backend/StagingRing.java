package io.tracemill.gpu.internal.backend;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import jcuda.driver.CUstream;

/**
 * Page-locked slots for what the host sends ahead of a batch. A slot is written again only once the
 * batch that read it has been published.
 */
final class StagingRing implements AutoCloseable {
  private static final int SLOTS = 8;

  private final CudaDriver driver;
  private final CUstream stream;
  private final TokenMailbox mailbox;
  private final PinnedBuffer memory;
  private final int slotBytes;
  private final int[] reader = new int[SLOTS];
  private int next;

  StagingRing(CudaDriver driver, CUstream stream, TokenMailbox mailbox, int slotBytes) {
    this.driver = driver;
    this.stream = stream;
    this.mailbox = mailbox;
    this.slotBytes = slotBytes;
    this.memory = new PinnedBuffer(driver, Math.multiplyExact(SLOTS, slotBytes));
  }

  /**
   * Takes the next slot for the batch that is enqueued next; waits while it is being read.
   *
   * @return the slot's offset in {@link #memory}
   */
  int take() {
    int slot = next;
    next = (next + 1) % SLOTS;
    int batch = reader[slot];
    if (batch > 0 && !mailbox.isPublished(batch)) {
      if (batch < mailbox.nextBatch()) {
        mailbox.await(batch, "reading what the host had staged");
      } else {
        // Nothing has been published since this slot was used; the stream itself tells.
        driver.synchronize(stream);
      }
    }
    reader[slot] = mailbox.nextBatch();
    return slot * slotBytes;
  }

  /** All slots. */
  PinnedBuffer memory() {
    return memory;
  }

  /** Frees the slots. */
  @Override
  public void close() {
    memory.close();
  }
}
