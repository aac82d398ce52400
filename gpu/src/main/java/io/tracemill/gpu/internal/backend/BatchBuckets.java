package io.tracemill.gpu.internal.backend;

import io.tracemill.gpu.internal.kernel.BatchRows;
import java.util.Arrays;

/**
 * The batch sizes that decode graphs are made for. A batch runs in the smallest that holds it;
 * spare rows have no lane and write nothing.
 */
final class BatchBuckets {
  private static final int[] ROWS = {
    1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 192, 224, BatchRows.MAX_ROWS
  };

  private BatchBuckets() {}

  /** Rows of the smallest bucket that holds {@code lanes}, 1 to 256. */
  static int bucketFor(int lanes) {
    if (lanes < 1 || lanes > BatchRows.MAX_ROWS) {
      throw new IllegalArgumentException("no bucket for " + lanes + " lanes");
    }
    int found = Arrays.binarySearch(ROWS, lanes);
    return ROWS[found >= 0 ? found : -found - 1];
  }

  /** The buckets that up to {@code maxLanes} lanes can need, ascending. */
  static int[] upTo(int maxLanes) {
    int last = Arrays.binarySearch(ROWS, bucketFor(maxLanes));
    return Arrays.copyOf(ROWS, last + 1);
  }
}
