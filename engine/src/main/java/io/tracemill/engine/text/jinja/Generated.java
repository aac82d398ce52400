package io.tracemill.engine.text.jinja;

import java.util.Iterator;
import java.util.List;

/**
 * What filters such as {@code map} and {@code select} yield: can be walked once; has no length and
 * no items.
 */
final class Generated implements Iterable<Object> {
  private final Iterator<Object> remaining;

  Generated(List<Object> items) {
    this.remaining = items.iterator();
  }

  @Override
  public Iterator<Object> iterator() {
    return remaining;
  }
}
