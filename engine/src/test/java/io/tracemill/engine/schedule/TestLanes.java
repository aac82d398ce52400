package io.tracemill.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestLanes {
  private final Lanes lanes = new Lanes(3);

  private int start() {
    assertThat(lanes.mayStart()).isTrue();
    int lane = lanes.next();
    lanes.take();
    return lane;
  }

  @Test
  void theLowestLaneIsTakenFirstAndTheLastGivenBackNext() {
    assertThat(new int[] {start(), start(), start()}).containsExactly(0, 1, 2);
    assertThat(lanes.mayStart()).isFalse();
    lanes.giveBack(1);
    lanes.giveBack(0);
    assertThat(lanes.inUse()).isOne();
    assertThat(start()).isZero();
  }

  @Test
  void afterAShortageOneMoreLaneIsTriedForEverySixteenThatEndWell() {
    start();
    start();
    lanes.giveBack(1);
    lanes.limitToThoseInUse();
    assertThat(lanes.mayStart()).isFalse();
    for (int i = 0; i < 15; i++) {
      lanes.endedWell();
      assertThat(lanes.mayStart()).as("after %d", i + 1).isFalse();
    }
    lanes.endedWell();
    start();
    assertThat(lanes.mayStart()).isFalse();
  }

  @Test
  void oneLaneIsAlwaysAllowed() {
    lanes.limitToThoseInUse();
    assertThat(start()).isZero();
    assertThat(lanes.mayStart()).isFalse();
  }
}
