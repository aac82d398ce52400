package io.tracemill.udf.ml;

import io.tracemill.engine.api.GenerationResult;
import io.tracemill.udf.Work;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Set;
import org.apache.spark.sql.Row;

/**
 * The work of a partition in which no key is in the engine twice at a time: a row with a key that
 * is (a prompt that stands in the table twice, a union) waits until the other one is back.
 */
final class DistinctKeys implements Iterator<Work<Row>> {
  /** Rows that wait for their twins are held in memory. */
  private static final int MOST_TWINS = 1024;

  private final Iterator<Row> rows;
  private final PromptCells prompts;
  private final Deque<Work.Wanted<Row>> twins = new ArrayDeque<>();
  private final Deque<Work<Row>> samples = new ArrayDeque<>();
  private final Set<Key> inside = new HashSet<>();
  private Work<Row> next;

  private record Key(String rowKey, int sampleIndex) {}

  DistinctKeys(Iterator<Row> rows, PromptCells prompts) {
    this.rows = rows;
    this.prompts = prompts;
  }

  /** A result has left the engine. */
  void finished(GenerationResult result) {
    inside.remove(new Key(result.rowKey(), result.sampleIndex()));
  }

  @Override
  public boolean hasNext() {
    if (next == null) {
      next = free();
    }
    return next != null;
  }

  @Override
  public Work<Row> next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no work is free");
    }
    Work<Row> work = next;
    next = null;
    return work;
  }

  /** Work whose key is free, or null where there is none now. */
  private Work<Row> free() {
    for (Iterator<Work.Wanted<Row>> each = twins.iterator(); each.hasNext(); ) {
      Work.Wanted<Row> twin = each.next();
      if (inside.add(key(twin))) {
        each.remove();
        return twin;
      }
    }
    while (twins.size() < MOST_TWINS && (!samples.isEmpty() || rows.hasNext())) {
      if (samples.isEmpty()) {
        samples.addAll(prompts.work(rows.next()));
      }
      Work<Row> work = samples.remove();
      if (!(work instanceof Work.Wanted<Row> wanted) || inside.add(key(wanted))) {
        return work;
      }
      twins.add(wanted);
    }
    return null;
  }

  private static Key key(Work.Wanted<Row> work) {
    return new Key(work.request().rowKey(), work.request().sampleIndex());
  }
}
