package io.tracemill.engine.cpu;

/**
 * The rows of one pass through the network: for each its lane, its token, the place where its key
 * and value go, and the logical position. Filled anew for each pass.
 */
final class BatchRows {
  /** Whether rows are new tokens of distinct lanes or stretches of prompts. */
  enum Kind {
    DECODE,
    PREFILL
  }

  private final Lane[] lanes;
  private final int[] tokens;
  private final int[] slots;
  private final int[] positions;
  private final int[] outputRows;
  private int size;
  private int numOutputs;
  private Kind kind = Kind.DECODE;

  BatchRows(int capacity) {
    lanes = new Lane[capacity];
    tokens = new int[capacity];
    slots = new int[capacity];
    positions = new int[capacity];
    outputRows = new int[capacity];
  }

  void clear(Kind kind) {
    this.kind = kind;
    size = 0;
    numOutputs = 0;
  }

  /** Adds a row; {@code slot} is its row in the lane's cache. */
  void add(Lane lane, int token, int slot, int position) {
    lanes[size] = lane;
    tokens[size] = token;
    slots[size] = slot;
    positions[size] = position;
    size++;
  }

  /** Asks for a token to be sampled after the row that was added last. */
  void sampleAfterLast() {
    outputRows[numOutputs++] = size - 1;
  }

  Kind kind() {
    return kind;
  }

  int capacity() {
    return lanes.length;
  }

  int size() {
    return size;
  }

  /** Rows after which a token is sampled. */
  int numOutputs() {
    return numOutputs;
  }

  int outputRow(int output) {
    return outputRows[output];
  }

  Lane lane(int row) {
    return lanes[row];
  }

  int token(int row) {
    return tokens[row];
  }

  int slot(int row) {
    return slots[row];
  }

  int position(int row) {
    return positions[row];
  }

  int lastPosition() {
    int last = 0;
    for (int row = 0; row < size; row++) {
      last = Math.max(last, positions[row]);
    }
    return last;
  }
}
