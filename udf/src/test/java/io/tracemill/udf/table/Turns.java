package io.tracemill.udf.table;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.hadoop.fs.Path;

/**
 * Two sides that take turns at a file system, one call after another, in an order that a test lays
 * down: the first side makes so many calls, then the second so many, and so on; what is left is
 * made by the first side, then by the second. While a side waits, nothing else of it happens.
 */
final class Turns implements StagedFileSystem.Calls {
  private final List<Integer> calls;
  private final Check between;
  private final boolean[] ended = new boolean[2];
  private final ThreadLocal<Integer> side = new ThreadLocal<>();
  private int turn;
  private int made;
  private int phase;

  /** What must be so at each change of turns. */
  interface Check {
    void run() throws IOException;
  }

  Turns(List<Integer> calls, Check between) {
    this.calls = calls;
    this.between = between;
  }

  /** What both sides returned, and whether every side made all calls that were laid down. */
  record Played<A, B>(A first, B second, boolean whole) {}

  <A, B> Played<A, B> play(Callable<A> first, Callable<B> second) throws Exception {
    CompletableFuture<A> one = start(0, first);
    CompletableFuture<B> two = start(1, second);
    A a = result(one);
    B b = result(two);
    between.run();
    return new Played<>(a, b, phase == calls.size());
  }

  private static <T> T result(CompletableFuture<T> side) throws InterruptedException {
    try {
      return side.get(1, TimeUnit.MINUTES);
    } catch (ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }

  private <T> CompletableFuture<T> start(int number, Callable<T> work) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread =
        new Thread(
            () -> {
              side.set(number);
              try {
                await(number);
                result.complete(work.call());
              } catch (Throwable e) { // Handed on to the test.
                result.completeExceptionally(e);
              } finally {
                end(number);
              }
            },
            "side " + number);
    thread.setDaemon(true);
    thread.start();
    return result;
  }

  /** Waits for the turn of the side that calls; threads of neither side are let through. */
  @Override
  public synchronized void before(Path path) throws IOException {
    Integer number = side.get();
    if (number == null) {
      return;
    }
    while (phase < calls.size() && phase % 2 == number && made >= calls.get(phase)) {
      phase++;
      made = 0;
      if (!ended[1 - number]) {
        between.run();
        turn = phase < calls.size() ? phase % 2 : 0;
        notifyAll();
      }
      await(number);
    }
    made++;
  }

  private synchronized void await(int number) {
    while (turn != number && !ended[1 - number]) {
      try {
        wait();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  private synchronized void end(int number) {
    ended[number] = true;
    turn = 1 - number;
    notifyAll();
  }
}
