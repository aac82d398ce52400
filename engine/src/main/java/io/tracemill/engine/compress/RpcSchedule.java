package io.tracemill.engine.compress;

import java.util.Optional;

/**
 * When RPC compresses and what it leaves (arXiv 2505.13866, section 3.2), in closed form.
 *
 * <p>With P the interval, R the window and T the rows retained per interval, the N-th compression
 * runs after decode step {@code N P + R}: the window is paid for once, then every P steps. Of
 * {@code (N-1) T + P} candidates it keeps {@code N T}, chosen afresh, so that the cache grows by T
 * rows per P tokens.
 *
 * @param intervalTokens P
 * @param windowTokens R, in [1, P)
 * @param retainedTokensPerInterval T, in [1, P]
 */
record RpcSchedule(int intervalTokens, int windowTokens, int retainedTokensPerInterval)
    implements CompressionSchedule {

  RpcSchedule {
    if (windowTokens < 1
        || windowTokens >= intervalTokens
        || retainedTokensPerInterval < 1
        || retainedTokensPerInterval > intervalTokens) {
      throw new IllegalArgumentException(
          "no schedule: interval %d, window %d, retained %d"
              .formatted(intervalTokens, windowTokens, retainedTokensPerInterval));
    }
  }

  @Override
  public boolean dueAfter(int promptRows, int step) {
    int beyondWindow = step - windowTokens;
    return beyondWindow >= intervalTokens && beyondWindow % intervalTokens == 0;
  }

  @Override
  public int compressionsAfter(int promptRows, int step) {
    return compressionsAfter(step);
  }

  private int compressionsAfter(int step) {
    return Math.max(0, Math.floorDiv(step - windowTokens, intervalTokens));
  }

  @Override
  public int rowsAfter(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(step));
  }

  @Override
  public int rowsAttended(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(step - 1));
  }

  /**
   * Rows grow up to each compression and from one compression to the next, so two candidates do.
   */
  @Override
  public int peakRows(int promptRows, int lastStep) {
    if (lastStep == 0) {
      return promptRows;
    }
    int last = rowsAttended(promptRows, lastStep);
    int compressions = compressionsAfter(lastStep);
    return compressions == 0
        ? last
        : Math.max(last, rowsAttended(promptRows, compressionStep(compressions)));
  }

  @Override
  public long attendedRowsTotal(int promptRows, int lastStep) {
    if (lastStep == 0) {
      return 0;
    }
    long steps = lastStep;
    long compressions = compressionsAfter(lastStep - 1);
    // The N-th compression spares the steps after N P + R: a sum of that over N.
    long sparedSteps =
        compressions * (steps - windowTokens)
            - intervalTokens * (compressions * (compressions + 1) / 2);
    return promptRows * steps + steps * (steps + 1) / 2 - droppedPerInterval() * sparedSteps;
  }

  @Override
  public int untouchedRows(int promptRows) {
    return promptRows;
  }

  @Override
  public Optional<RowPlan> plan(int promptRows, int step) {
    if (!dueAfter(promptRows, step)) {
      return Optional.empty();
    }
    int compression = compressionsAfter(step);
    int retained = Math.multiplyExact(compression, retainedTokensPerInterval);
    int candidates = retained - retainedTokensPerInterval + intervalTokens;
    return Optional.of(new RowPlan(promptRows, candidates, retained, windowTokens));
  }

  private int compressionStep(int compression) {
    return Math.addExact(Math.multiplyExact(compression, intervalTokens), windowTokens);
  }

  private int rows(int promptRows, int step, int compressions) {
    return Math.toIntExact((long) promptRows + step - droppedPerInterval() * compressions);
  }

  private long droppedPerInterval() {
    return (long) intervalTokens - retainedTokensPerInterval;
  }
}
