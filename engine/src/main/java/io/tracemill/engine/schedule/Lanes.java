package io.tracemill.engine.schedule;

/**
 * The backend's lanes: which are free, and how many may be in use at once. Where memory ran short
 * fewer may, and one more is tried each time that some sequences have ended well since.
 */
final class Lanes {
  /** Sequences that must end well before one more lane is tried after memory ran short. */
  private static final int FINISHES_BEFORE_MORE_LANES = 16;

  private final int[] free;
  private int numFree;
  private int limit;
  private int finishesSinceShortage;

  Lanes(int maxLanes) {
    this.limit = maxLanes;
    this.free = new int[maxLanes];
    for (int lane = maxLanes - 1; lane >= 0; lane--) {
      free[numFree++] = lane;
    }
  }

  int inUse() {
    return free.length - numFree;
  }

  boolean mayStart() {
    return numFree > 0 && inUse() < limit;
  }

  /** The lane that {@link #take} takes next. */
  int next() {
    return free[numFree - 1];
  }

  void take() {
    numFree--;
  }

  void giveBack(int lane) {
    free[numFree++] = lane;
  }

  /** Memory ran short: no more lanes than are in use now, at least one. */
  void limitToThoseInUse() {
    limit = Math.max(1, inUse());
    finishesSinceShortage = 0;
  }

  /** A sequence has ended without an error. */
  void endedWell() {
    if (++finishesSinceShortage % FINISHES_BEFORE_MORE_LANES == 0) {
      limit = Math.min(free.length, limit + 1);
    }
  }
}
