package io.tracemill.engine.schedule;

import java.util.Arrays;

/** Pages needed per bucket of the future, in a ring that grows to the farthest bucket asked for. */
final class DemandProfile {
  private static final int INITIAL_BUCKETS = 256;

  private int[] ring = new int[INITIAL_BUCKETS];
  private long first;

  /** Pages needed in a bucket, which is not in the past; 0 beyond what was added. */
  int demand(long bucket) {
    return bucket - first < ring.length ? ring[index(bucket)] : 0;
  }

  void add(long bucket, int pages) {
    while (bucket - first >= ring.length) {
      grow();
    }
    ring[index(bucket)] += pages;
    assert ring[index(bucket)] >= 0 : "negative demand in bucket " + bucket;
  }

  /** Drops the buckets before this one. */
  void forgetBefore(long bucket) {
    if (bucket - first >= ring.length) {
      Arrays.fill(ring, 0);
    } else {
      for (long past = first; past < bucket; past++) {
        ring[index(past)] = 0;
      }
    }
    first = bucket;
  }

  private void grow() {
    int[] larger = new int[ring.length * 2];
    for (long bucket = first; bucket < first + ring.length; bucket++) {
      larger[(int) (bucket & (larger.length - 1))] = ring[index(bucket)];
    }
    ring = larger;
  }

  private int index(long bucket) {
    return (int) (bucket & (ring.length - 1));
  }
}
