package io.tracemill.gpu.internal.backend;

/** What the host knows of each lane: whether it is taken, its rows and its next position. */
final class LaneBook {
  private final boolean[] taken;
  private final boolean[] prompted;
  private final int[] rows;
  private final int[] position;

  LaneBook(int maxLanes) {
    taken = new boolean[maxLanes];
    prompted = new boolean[maxLanes];
    rows = new int[maxLanes];
    position = new int[maxLanes];
  }

  /** Takes a free lane, with rows at the start of its prompt that lie in shared pages. */
  void start(int lane, int presetRows) {
    requireLane(lane);
    if (taken[lane]) {
      throw new IllegalStateException("lane " + lane + " is taken");
    }
    taken[lane] = true;
    prompted[lane] = false;
    rows[lane] = presetRows;
    position[lane] = presetRows;
  }

  /** Frees a lane. */
  void end(int lane) {
    requireTaken(lane);
    taken[lane] = false;
  }

  /** Gives a lane rows that nobody computed; for measurements. */
  void assume(int lane, int numRows, boolean wholePrompt) {
    requireTaken(lane);
    prompted[lane] = wholePrompt;
    rows[lane] = numRows;
    position[lane] = numRows;
  }

  /** Appends prompt rows. */
  void append(int lane, int firstPosition, int numRows, boolean last) {
    requireTaken(lane);
    if (prompted[lane] || rows[lane] != firstPosition) {
      throw new IllegalStateException(
          "lane %d holds %d rows%s; a chunk at position %d does not follow"
              .formatted(
                  lane, rows[lane], prompted[lane] ? " of a whole prompt" : "", firstPosition));
    }
    rows[lane] += numRows;
    position[lane] += numRows;
    prompted[lane] = last;
  }

  /** Counts a decoded row. */
  void advance(int lane) {
    rows[lane]++;
    position[lane]++;
  }

  /** Sets the rows that a compression leaves. */
  void compress(int lane, int rowsBefore, int rowsAfter) {
    requirePrompted(lane);
    if (rows[lane] != rowsBefore) {
      throw new IllegalStateException(
          "lane %d holds %d rows, its compression plan is for %d"
              .formatted(lane, rows[lane], rowsBefore));
    }
    rows[lane] = rowsAfter;
  }

  /** Corrects the rows that a compression left, where it dropped more than was planned. */
  void droppedBeyondPlan(int lane, int numRows) {
    rows[lane] -= numRows;
  }

  /** Rows cached, in every layer; a bound while a compression's count is unknown. */
  int rows(int lane) {
    return rows[lane];
  }

  /** Logical position of the next row. */
  int position(int lane) {
    return position[lane];
  }

  /** Checks that a lane is taken. */
  void requireTaken(int lane) {
    requireLane(lane);
    if (!taken[lane]) {
      throw new IllegalStateException("lane " + lane + " is free");
    }
  }

  /** Checks that a lane's prompt is complete. */
  void requirePrompted(int lane) {
    requireTaken(lane);
    if (!prompted[lane]) {
      throw new IllegalStateException("the prompt of lane " + lane + " is not complete");
    }
  }

  private void requireLane(int lane) {
    if (lane < 0 || lane >= taken.length) {
      throw new IllegalArgumentException("no lane %d; there are %d".formatted(lane, taken.length));
    }
  }
}
