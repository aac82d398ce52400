package io.tracemill.engine.schedule;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Messages from many threads to one, until it is sealed: a message is either taken by the reader or
 * refused to its sender, never lost in between.
 */
final class Inbox<T> {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final ArrayDeque<T> messages = new ArrayDeque<>();
  private boolean sealed;

  /** Says so without a lock where nothing has arrived, since the reader asks at every step. */
  private volatile boolean empty = true;

  /** Leaves a message; false where the inbox is sealed. */
  boolean offer(T message) {
    lock.lock();
    try {
      if (sealed) {
        return false;
      }
      messages.addLast(message);
      empty = false;
      arrived.signal();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** All messages that have arrived; empty where none has. */
  List<T> takeAll() {
    return empty ? List.of() : drain();
  }

  /** All messages that have arrived, waiting for the first. */
  List<T> awaitAll() throws InterruptedException {
    lock.lock();
    try {
      while (messages.isEmpty()) {
        arrived.await();
      }
      return drain();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses messages from now on and returns those that have arrived. */
  List<T> seal() {
    lock.lock();
    try {
      sealed = true;
      return drain();
    } finally {
      lock.unlock();
    }
  }

  private List<T> drain() {
    lock.lock();
    try {
      List<T> all = new ArrayList<>(messages);
      messages.clear();
      empty = true;
      return all;
    } finally {
      lock.unlock();
    }
  }
}
