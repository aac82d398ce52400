package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.Segments;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Describes a prefill batch to the device: one block of int32 words, staged in page-locked memory
 * and copied ahead of the kernels.
 */
final class PrefillStage implements AutoCloseable {
  private static final int HEADER_WORDS = 2;
  private static final int ARRAYS_PER_CHUNK = 6;

  private final CudaDriver driver;
  private final Launcher launcher;
  private final ResourceStack resources = new ResourceStack();
  private final StagingRing staging;
  private final DeviceBuffer device;
  private final int maxTokens;
  private final int maxChunks;

  PrefillStage(
      CudaDriver driver,
      DeviceMemory memory,
      Launcher launcher,
      TokenMailbox mailbox,
      int maxTokens,
      int maxChunks) {
    this.driver = driver;
    this.launcher = launcher;
    this.maxTokens = maxTokens;
    this.maxChunks = maxChunks;
    int words = HEADER_WORDS + maxTokens + ARRAYS_PER_CHUNK * (maxChunks + 1);
    int bytes = Math.multiplyExact(words, Integer.BYTES);
    this.staging = resources.add(new StagingRing(driver, launcher.stream(), mailbox, bytes));
    this.device = resources.add(memory.allocate(Purpose.WORKSPACE, "prefill batches", bytes));
  }

  /**
   * A batch on its way to the device.
   *
   * @param segments the chunks
   * @param sampled the rows whose next token is drawn
   */
  record Staged(Segments segments, Transformer.SampledRows sampled) {}

  /**
   * Stages and enqueues the copy.
   *
   * @throws IllegalArgumentException where the batch is larger than the backend was opened for
   */
  Staged enqueue(List<PrefillChunk> chunks) {
    int numRows = chunks.stream().mapToInt(c -> c.tokens().length).sum();
    if (numRows > maxTokens || chunks.size() > maxChunks) {
      throw new IllegalArgumentException(
          "a prefill batch of %d tokens in %d chunks; the backend was opened for %d in %d"
              .formatted(numRows, chunks.size(), maxTokens, maxChunks));
    }
    int slot = staging.take();
    ByteBuffer bytes = staging.memory().bytes();
    int arrayWords = maxChunks + 1;
    int firstArray = HEADER_WORDS + maxTokens;
    int row = 0;
    int tiles = 0;
    int sampled = 0;
    for (int i = 0; i < chunks.size(); i++) {
      PrefillChunk chunk = chunks.get(i);
      for (int token : chunk.tokens()) {
        put(bytes, slot, HEADER_WORDS + row++, token);
      }
      int length = chunk.tokens().length;
      tiles += (length + Segments.TILE_ROWS - 1) / Segments.TILE_ROWS;
      put(bytes, slot, firstArray + i, row - length);
      put(bytes, slot, firstArray + arrayWords + i, chunk.lane());
      put(bytes, slot, firstArray + 2 * arrayWords + i, chunk.firstPosition());
      put(bytes, slot, firstArray + 3 * arrayWords + i, chunk.firstPosition());
      if (chunk.last()) {
        put(bytes, slot, firstArray + 4 * arrayWords + sampled, row - 1);
        put(bytes, slot, firstArray + 5 * arrayWords + sampled, chunk.lane());
        sampled++;
      }
    }
    put(bytes, slot, firstArray + chunks.size(), row);
    put(bytes, slot, 0, row);
    put(bytes, slot, 1, sampled);
    driver.copyToDevice(
        device.address(), staging.memory().memory(), slot, device.byteSize(), launcher.stream());
    Segments segments =
        new Segments(
            word(HEADER_WORDS),
            word(firstArray),
            word(firstArray + arrayWords),
            word(firstArray + 2 * arrayWords),
            word(firstArray + 3 * arrayWords),
            word(0),
            numRows,
            chunks.size(),
            tiles);
    return new Staged(
        segments,
        new Transformer.SampledRows(
            word(firstArray + 4 * arrayWords),
            word(firstArray + 5 * arrayWords),
            word(1),
            sampled));
  }

  private static void put(ByteBuffer bytes, int slot, int word, int value) {
    bytes.putInt(slot + word * Integer.BYTES, value);
  }

  private long word(int word) {
    return device.address((long) word * Integer.BYTES);
  }

  /** Frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
