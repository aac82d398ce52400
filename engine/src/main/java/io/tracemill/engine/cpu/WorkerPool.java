package io.tracemill.engine.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed crew of threads that runs one loop after another; the caller works along as worker 0.
 * Indices are claimed one by one, so a worker that is held up delays nobody but itself. A worker
 * that finds no work spins for a while, because the next loop of a step usually follows at once,
 * and then parks. Running a loop allocates nothing.
 *
 * <p><b>Threads.</b> One thread calls {@link #forEach} and {@link #close}.
 */
final class WorkerPool implements AutoCloseable {
  /** Some 25 microseconds: the usual wait between two loops of a step. */
  private static final int SPINS = 1_000;

  /**
   * Further rounds that offer the core to others: on a quiet machine still a spin, without the cost
   * of being woken; on a busy one the waiting thread does not hold up the one that it waits for.
   */
  private static final int YIELDS = 400;

  /** The body of a loop; it must not care which worker runs which index, nor in which order. */
  interface Work {
    void run(int index, int worker);
  }

  /**
   * The number of the loop in the upper half, the indices not yet claimed in the lower half. One
   * word, so that a late worker cannot claim an index of a loop that it has not seen.
   */
  private final AtomicLong claim = new AtomicLong();

  private final AtomicInteger done = new AtomicInteger();
  private final AtomicIntegerArray parked;
  private final Thread[] threads;
  private volatile Thread waitingCaller;
  private volatile Throwable failure;
  private volatile boolean closed;
  // Written before a loop is published and stable until its last index is done.
  private Work work;
  private int count;

  /** Starts {@code size - 1} threads. */
  WorkerPool(int size) {
    parked = new AtomicIntegerArray(size);
    threads = new Thread[size - 1];
    for (int i = 0; i < threads.length; i++) {
      int worker = i + 1;
      threads[i] = new Thread(() -> serve(worker), "tracemill-cpu-" + worker);
      threads[i].setDaemon(true);
      threads[i].start();
    }
  }

  /** Workers, the caller included. */
  int size() {
    return threads.length + 1;
  }

  /**
   * Runs the body for every index in [0, count) and returns when all are done. An exception in any
   * of them is thrown here, after the others have ended.
   */
  void forEach(int count, Work work) {
    if (count <= 1 || threads.length == 0) {
      for (int i = 0; i < count; i++) {
        work.run(i, 0);
      }
      return;
    }
    this.work = work;
    this.count = count;
    done.set(0);
    long epoch = (claim.get() >>> 32) + 1;
    claim.set((epoch << 32) | count);
    for (int worker = 1; worker <= threads.length; worker++) {
      if (parked.get(worker) != 0) {
        LockSupport.unpark(threads[worker - 1]);
      }
    }
    runClaimed(0);
    awaitDone();
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      rethrow(thrown);
    }
  }

  private void awaitDone() {
    for (int round = 0; done.get() != count; round++) {
      if (pause(round)) {
        continue;
      }
      waitingCaller = Thread.currentThread();
      while (done.get() != count) {
        LockSupport.park(this);
      }
      waitingCaller = null;
    }
  }

  private void serve(int worker) {
    long seen = 0;
    while (true) {
      long epoch = awaitLoopAfter(seen, worker);
      if (closed) {
        return;
      }
      seen = epoch;
      runClaimed(worker);
    }
  }

  private long awaitLoopAfter(long seen, int worker) {
    for (int round = 0; pause(round); round++) {
      long epoch = claim.get() >>> 32;
      if (epoch != seen) {
        return epoch;
      }
    }
    parked.set(worker, 1);
    long epoch = claim.get() >>> 32;
    while (epoch == seen) {
      LockSupport.park(this);
      epoch = claim.get() >>> 32;
    }
    parked.set(worker, 0);
    return epoch;
  }

  /** Waits a moment; false once it is time to park. */
  private static boolean pause(int round) {
    if (round >= SPINS + YIELDS) {
      return false;
    }
    if (round < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
    return true;
  }

  private void runClaimed(int worker) {
    int executed = 0;
    while (true) {
      long current = claim.get();
      int remaining = (int) current;
      if (remaining == 0) {
        break;
      }
      // Where the exchange succeeds, index was unclaimed: the loop was not over, so these two reads
      // saw the fields of that loop.
      Work body = work;
      int index = count - remaining;
      if (!claim.compareAndSet(current, current - 1)) {
        Thread.onSpinWait();
        continue;
      }
      executed++;
      try {
        body.run(index, worker);
      } catch (Throwable e) { // an Error too must reach the caller instead of ending a worker
        failure = e;
      }
    }
    if (executed > 0) {
      int all = count;
      if (done.addAndGet(executed) == all) {
        Thread caller = waitingCaller;
        if (caller != null) {
          LockSupport.unpark(caller);
        }
      }
    }
  }

  private static void rethrow(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) thrown;
  }

  /** Ends the threads and waits for them. Closing twice is allowed. */
  @Override
  public void close() {
    closed = true;
    long epoch = (claim.get() >>> 32) + 1;
    claim.set(epoch << 32);
    boolean interrupted = false;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
      while (true) {
        try {
          thread.join();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
