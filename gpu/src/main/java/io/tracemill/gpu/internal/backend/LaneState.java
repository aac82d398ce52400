package io.tracemill.gpu.internal.backend;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.BatchRows;
import io.tracemill.gpu.internal.kernel.LaneUpdateKernel;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * What the device knows about lanes: one block of 32-bit words that holds every per-lane array, and
 * the host's changes to it. Changes are collected and sent together, in stream order, before the
 * next batch; a step that changes nothing sends nothing.
 *
 * <p>Arrays that the device advances itself (position, row count, token index) are written by
 * {@link #force}, because the host's copy of them is old.
 */
final class LaneState implements AutoCloseable {
  /** Rows of the decode batch, {@code [256]}. */
  static final int LANE_OF = 0;

  /** Rows that have a lane. */
  static final int NUM_ROWS = BatchRows.MAX_ROWS;

  /** Batches published. */
  static final int STEP_SEQUENCE = NUM_ROWS + 1;

  private static final int HEADER_WORDS = BatchRows.MAX_ROWS + 64;
  private static final int UPDATES_PER_SLOT = 8192;
  private static final int UPDATE_BYTES = 2 * Integer.BYTES;

  /** The per-lane arrays, in the order they lie in; a seed takes two words. */
  enum Field {
    SEED(2),
    POSITION(1),
    KV_LEN(1),
    TOKEN_ID(1),
    TOKEN_INDEX(1),
    INVERSE_TEMPERATURE(1),
    TOP_K(1),
    TOP_P(1),
    MIN_P_KEY(1),
    REPETITION_PENALTY(1);

    private final int words;

    Field(int words) {
      this.words = words;
    }
  }

  private final ResourceStack resources = new ResourceStack();
  private final DeviceBuffer words;
  private final StagingRing staging;
  private final LaneUpdateKernel kernel;
  private final int maxLanes;
  private final int maxPages;
  private final int[] fieldStart;
  private final int pageTableStart;
  private final int[] hostCopy;
  private final boolean[] changed;
  private final int[] changedWords;
  private int numChanged;

  LaneState(
      CudaDriver driver,
      DeviceMemory memory,
      Launcher launcher,
      TokenMailbox mailbox,
      int maxLanes,
      int maxPages) {
    this.maxLanes = maxLanes;
    this.maxPages = maxPages;
    this.fieldStart = new int[Field.values().length];
    int next = HEADER_WORDS;
    for (Field field : Field.values()) {
      fieldStart[field.ordinal()] = next;
      next = Math.addExact(next, Math.multiplyExact(field.words, maxLanes));
    }
    this.pageTableStart = next;
    int total = Math.addExact(next, Math.multiplyExact(maxLanes, maxPages));
    this.hostCopy = new int[total];
    this.changed = new boolean[total];
    this.changedWords = new int[total];
    this.words =
        resources.add(
            memory.allocate(Purpose.WORKSPACE, "lane state", (long) total * Integer.BYTES));
    this.staging =
        resources.add(
            new StagingRing(driver, launcher.stream(), mailbox, UPDATES_PER_SLOT * UPDATE_BYTES));
    this.kernel = new LaneUpdateKernel(launcher);
    driver.fill(words.address(), (byte) 0, words.byteSize(), launcher.stream());
    for (int row = 0; row < BatchRows.MAX_ROWS; row++) {
      set(LANE_OF + row, -1);
    }
    Arrays.fill(hostCopy, pageTableStart, total, -1);
  }

  /** Device address of an array. */
  long address(Field field) {
    return wordAddress(fieldStart[field.ordinal()]);
  }

  /** Device address of a word of the header. */
  long wordAddress(int word) {
    return words.address((long) word * Integer.BYTES);
  }

  /** Where the kernels find the batch and the lanes. */
  BatchRows batchRows() {
    return new BatchRows(
        wordAddress(LANE_OF),
        wordAddress(NUM_ROWS),
        address(Field.POSITION),
        address(Field.KV_LEN),
        wordAddress(pageTableStart),
        maxPages);
  }

  /** Sets a lane's value of a 32-bit array whether or not the host's copy has it already. */
  void force(Field field, int lane, int value) {
    int word = fieldStart[field.ordinal()] + lane;
    hostCopy[word] = value;
    mark(word);
  }

  /** Sets a lane's value of a float array. */
  void force(Field field, int lane, float value) {
    force(field, lane, Float.floatToRawIntBits(value));
  }

  /** Sets a lane's random key, low word first. */
  void setSeed(int lane, long key) {
    int word = fieldStart[Field.SEED.ordinal()] + 2 * lane;
    set(word, (int) key);
    set(word + 1, (int) (key >>> 32));
  }

  /** Sets a page table entry. */
  void setPage(int lane, int entry, int page) {
    set(pageTableWord(lane, entry), page);
  }

  /** The page of an entry; -1 where the lane has none. */
  int page(int lane, int entry) {
    return hostCopy[pageTableWord(lane, entry)];
  }

  /** Forgets a lane's pages on the host; the device's entries are written again before use. */
  void forgetPages(int lane) {
    int first = pageTableWord(lane, 0);
    Arrays.fill(hostCopy, first, first + maxPages, -1);
  }

  /** Makes {@code lanes} the rows of the next decode batch and the rest of its bucket empty. */
  void setBatch(int[] lanes, int bucket) {
    for (int row = 0; row < bucket; row++) {
      set(LANE_OF + row, row < lanes.length ? lanes[row] : -1);
    }
    set(NUM_ROWS, lanes.length);
  }

  /** Sends the changes collected so far; enqueues nothing where there are none. */
  void flush() {
    for (int done = 0; done < numChanged; ) {
      int count = Math.min(UPDATES_PER_SLOT, numChanged - done);
      int offset = staging.take();
      ByteBuffer bytes = staging.memory().bytes();
      for (int i = 0; i < count; i++) {
        int word = changedWords[done + i];
        bytes.putInt(offset + i * UPDATE_BYTES, word);
        bytes.putInt(offset + i * UPDATE_BYTES + Integer.BYTES, hostCopy[word]);
        changed[word] = false;
      }
      kernel.enqueue(staging.memory().deviceAddress() + offset, words.address(), count);
      done += count;
    }
    numChanged = 0;
  }

  private void set(int word, int value) {
    if (hostCopy[word] != value) {
      hostCopy[word] = value;
      mark(word);
    }
  }

  private void mark(int word) {
    if (!changed[word]) {
      changed[word] = true;
      changedWords[numChanged++] = word;
    }
  }

  private int pageTableWord(int lane, int entry) {
    if (lane < 0 || lane >= maxLanes || entry < 0 || entry >= maxPages) {
      throw new IllegalArgumentException(
          "no page table entry %d of lane %d".formatted(entry, lane));
    }
    return pageTableStart + lane * maxPages + entry;
  }

  /** Frees everything. */
  @Override
  public void close() {
    resources.close();
  }
}
