package io.tracemill.engine.schedule;

/**
 * How large a batch may be after one ran out of memory: half of what failed, doubled again after a
 * while of success.
 */
final class BatchLimit {
  private static final int SUCCESSES_BEFORE_GROWTH = 64;

  private int limit = Integer.MAX_VALUE;
  private int successes;

  /** The largest batch to try, at most {@code wanted}. */
  int of(int wanted) {
    return Math.min(limit, wanted);
  }

  void failedAt(int size) {
    limit = Math.max(1, size / 2);
    successes = 0;
  }

  void succeeded() {
    if (limit != Integer.MAX_VALUE && ++successes >= SUCCESSES_BEFORE_GROWTH) {
      limit = limit > Integer.MAX_VALUE / 2 ? Integer.MAX_VALUE : limit * 2;
      successes = 0;
    }
  }
}
