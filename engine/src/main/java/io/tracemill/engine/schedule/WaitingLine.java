package io.tracemill.engine.schedule;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * Sequences that wait for a lane: first come, first served, but while the first one does not fit, a
 * few smaller ones behind it may pass it. After so many have passed, it is waited for.
 */
final class WaitingLine {
  /** How far behind the first one a sequence is looked for that fits. */
  private static final int BYPASS_DEPTH = 8;

  /** How many may pass one sequence before it has the right of way. */
  private static final int MAX_BYPASSES = 64;

  private final ArrayDeque<Sequence> line = new ArrayDeque<>();

  int size() {
    return line.size();
  }

  void addLast(Sequence sequence) {
    line.addLast(sequence);
  }

  /** Puts a sequence that lost its place in front of all others. */
  void addFirst(Sequence sequence) {
    line.addFirst(sequence);
  }

  /** The first in line; empty where nobody waits. */
  Optional<Sequence> first() {
    return Optional.ofNullable(line.peekFirst());
  }

  /**
   * Takes the next sequence that fits; empty where none may start. Those on hold keep their place
   * and are passed over without being counted as passed.
   */
  Optional<Sequence> next(Predicate<Sequence> onHold, Predicate<Sequence> fits) {
    Sequence first = null;
    int passed = 0;
    for (Iterator<Sequence> all = line.iterator(); all.hasNext() && passed <= BYPASS_DEPTH; ) {
      Sequence sequence = all.next();
      if (onHold.test(sequence)) {
        continue;
      }
      if (fits.test(sequence)) {
        all.remove();
        if (first != null) {
          first.bypassed();
        }
        return Optional.of(sequence);
      }
      if (first == null) {
        first = sequence;
        if (first.bypasses() >= MAX_BYPASSES) {
          return Optional.empty();
        }
      }
      passed++;
    }
    return Optional.empty();
  }

  /** Removes the sequences that match and hands each over. */
  void removeIf(Predicate<Sequence> matches, Consumer<Sequence> removed) {
    for (Iterator<Sequence> all = line.iterator(); all.hasNext(); ) {
      Sequence sequence = all.next();
      if (matches.test(sequence)) {
        all.remove();
        removed.accept(sequence);
      }
    }
  }
}
