package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

final class TestWorkerPool {
  @Test
  void everyIndexRunsOnceInEveryLoop() {
    for (int size : new int[] {1, 2, 5}) {
      try (WorkerPool pool = new WorkerPool(size)) {
        for (int loop = 0; loop < 3000; loop++) {
          int count = loop % 37;
          AtomicIntegerArray runs = new AtomicIntegerArray(count + 1);
          pool.forEach(
              count,
              (index, worker) -> {
                assertThat(worker).isBetween(0, size - 1);
                runs.incrementAndGet(index);
              });
          for (int i = 0; i < count; i++) {
            assertThat(runs.get(i)).as("size %d, loop %d, index %d", size, loop, i).isEqualTo(1);
          }
          if (loop % 1000 == 0) {
            LockSupport.parkNanos(2_000_000); // long enough for the workers to park
          }
        }
      }
    }
  }

  @Test
  void theOthersEndBeforeAnErrorIsThrown() {
    try (WorkerPool pool = new WorkerPool(3)) {
      AtomicInteger ended = new AtomicInteger();
      assertThatThrownBy(
              () ->
                  pool.forEach(
                      50,
                      (index, worker) -> {
                        if (index == 7) {
                          throw new IllegalStateException("index 7");
                        }
                        ended.incrementAndGet();
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("index 7");
      assertThat(ended).hasValue(49);
      assertThatThrownBy(
              () ->
                  pool.forEach(
                      2,
                      (index, worker) -> {
                        throw new StackOverflowError("deep");
                      }))
          .isInstanceOf(StackOverflowError.class);
      ended.set(0);
      pool.forEach(10, (index, worker) -> ended.incrementAndGet());
      assertThat(ended).hasValue(10);
    }
  }

  @Test
  void closingTwiceIsAllowedAndEndsTheThreads() {
    WorkerPool pool = new WorkerPool(4);
    pool.forEach(9, (index, worker) -> {});
    pool.close();
    pool.close();
    assertThat(Thread.getAllStackTraces().keySet())
        .filteredOn(thread -> thread.getName().equals("tracemill-cpu-3"))
        .isEmpty();
  }
}
