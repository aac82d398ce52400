package io.tracemill.gpu.internal.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TestBatchBuckets {

  @Test
  void everyBatchRunsInTheSmallestBucketThatHoldsIt() {
    int[] buckets = BatchBuckets.upTo(256);
    for (int lanes = 1; lanes <= 256; lanes++) {
      int bucket = BatchBuckets.bucketFor(lanes);
      assertThat(bucket).isGreaterThanOrEqualTo(lanes);
      for (int other : buckets) {
        assertThat(other >= lanes && other < bucket).isFalse();
      }
    }
  }

  @Test
  void bucketsReachJustFarEnough() {
    assertThat(BatchBuckets.upTo(1)).containsExactly(1);
    assertThat(BatchBuckets.upTo(5)).containsExactly(1, 2, 4, 8);
    assertThat(BatchBuckets.upTo(16)).endsWith(12, 16);
    assertThat(BatchBuckets.upTo(230)).endsWith(224, 256);
  }

  @Test
  void noBucketForNoLanesOrTooMany() {
    assertThatThrownBy(() -> BatchBuckets.bucketFor(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no bucket for 0 lanes");
    assertThatThrownBy(() -> BatchBuckets.bucketFor(257))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no bucket for 257 lanes");
  }
}
