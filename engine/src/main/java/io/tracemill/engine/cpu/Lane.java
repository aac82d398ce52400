package io.tracemill.engine.cpu;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneStart;
import java.util.Arrays;

/**
 * A sequence's place: its page table, counters, query ring and sampling state. The arrays are kept
 * from one sequence to the next.
 */
final class Lane {
  private static final int UNMAPPED = -1;

  final int id;
  private final int[] pageTable;
  private boolean taken;
  private SamplingParams sampling = SamplingParams.greedy(1);
  private long randomKey;
  private int ringDepth;
  private int rows;
  private int position;
  private int decodeSteps;
  private int outputTokens;
  private int newestToken;
  private boolean promptComplete;
  private float[] ring = new float[0];
  private long[] seen = new long[0];
  private final RowScores rowScores = new RowScores();

  Lane(int id, int maxPages) {
    this.id = id;
    this.pageTable = new int[maxPages];
  }

  /** Takes the lane; {@code ringFloats} are the elements of its query ring over all layers. */
  void start(LaneStart start, int ringFloats, int vocabSize) {
    if (taken) {
      throw new IllegalStateException("lane " + id + " is taken");
    }
    if (ring.length < ringFloats) {
      ring = new float[ringFloats];
    }
    sampling = start.sampling();
    if (sampling.repetitionPenalty() != 1) {
      int words = (vocabSize + 63) / 64;
      if (seen.length < words) {
        seen = new long[words];
      }
      Arrays.fill(seen, 0);
      for (int token : start.promptTokens()) {
        markSeen(token);
      }
    }
    Arrays.fill(pageTable, UNMAPPED);
    randomKey = start.randomKey();
    ringDepth = start.queryRingDepth();
    rows = start.presetRows();
    position = start.presetRows();
    decodeSteps = 0;
    outputTokens = 0;
    promptComplete = false;
    rowScores.clear();
    taken = true;
  }

  void end() {
    requireTaken();
    taken = false;
  }

  void requireTaken() {
    if (!taken) {
      throw new IllegalStateException("lane " + id + " holds no sequence");
    }
  }

  void mapPages(int firstEntry, int[] pages) {
    System.arraycopy(pages, 0, pageTable, firstEntry, pages.length);
  }

  /** Page of the table's entry. */
  int page(int entry) {
    return pageTable[entry];
  }

  /** Checks that rows up to {@code newRows} have pages. */
  void requireMapped(int newRows) {
    int pages = (newRows + KvPages.ROWS - 1) / KvPages.ROWS;
    if (pages > pageTable.length) {
      throw new IllegalStateException(
          "lane %d grows to %d rows, more than the %d that the backend was opened for"
              .formatted(id, newRows, pageTable.length * KvPages.ROWS));
    }
    for (int entry = rows / KvPages.ROWS; entry < pages; entry++) {
      if (pageTable[entry] == UNMAPPED) {
        throw new IllegalStateException(
            "lane %d grows to %d rows but entry %d of its page table is not mapped"
                .formatted(id, newRows, entry));
      }
    }
  }

  /** Counts rows that a batch appended. */
  void append(int newRows) {
    rows += newRows;
    position += newRows;
  }

  /** Counts a decode step: one row, and one query per layer in the ring. */
  void appendDecoded() {
    append(1);
    decodeSteps++;
  }

  /** Shrinks to the rows that a compression left. */
  void shrink(int rowsAfter) {
    rows = rowsAfter;
    int used = (rowsAfter + KvPages.ROWS - 1) / KvPages.ROWS;
    Arrays.fill(pageTable, used, pageTable.length, UNMAPPED);
  }

  /** Notes the token that was sampled, or that there was none. */
  void sampled(int token) {
    newestToken = token;
    outputTokens++;
    if (token >= 0 && sampling.repetitionPenalty() != 1) {
      markSeen(token);
    }
  }

  private void markSeen(int token) {
    seen[token >>> 6] |= 1L << token;
  }

  void completePrompt() {
    promptComplete = true;
  }

  boolean promptComplete() {
    return promptComplete;
  }

  SamplingParams sampling() {
    return sampling;
  }

  long randomKey() {
    return randomKey;
  }

  /** Rows held, per layer. */
  int rows() {
    return rows;
  }

  /** Logical position of the next token. */
  int position() {
    return position;
  }

  int decodeSteps() {
    return decodeSteps;
  }

  /** Output tokens sampled, which is the index of the next one. */
  int outputTokens() {
    return outputTokens;
  }

  int newestToken() {
    return newestToken;
  }

  int ringDepth() {
    return ringDepth;
  }

  /** Queries of the newest steps, {@code [layer][position mod ringDepth][queryDim]}. */
  float[] ring() {
    return ring;
  }

  /** Scores that a policy keeps beside rows. */
  RowScores rowScores() {
    return rowScores;
  }

  /** Tokens of the prompt and the output as bits; only kept with a repetition penalty. */
  long[] seen() {
    return seen;
  }
}
