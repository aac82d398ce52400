package io.tracemill.engine.text.jinja;

import java.util.AbstractList;
import java.util.List;

/** Python's tuple: an unchangeable list that prints with parentheses and never equals a list. */
final class Tuple extends AbstractList<Object> {
  private final List<Object> items;

  Tuple(List<Object> items) {
    this.items = List.copyOf(items);
  }

  static Tuple of(Object... items) {
    return new Tuple(List.of(items));
  }

  @Override
  public Object get(int index) {
    return items.get(index);
  }

  @Override
  public int size() {
    return items.size();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tuple tuple && tuple.items.equals(items);
  }

  @Override
  public int hashCode() {
    return items.hashCode();
  }
}
