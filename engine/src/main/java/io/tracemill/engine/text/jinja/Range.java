package io.tracemill.engine.text.jinja;

import java.util.AbstractList;

/** Python's {@code range}, limited in length as Jinja's sandbox limits it. */
final class Range extends AbstractList<Object> {
  private static final int MAX_LENGTH = 100_000;

  private final long start;
  private final long stop;
  private final long step;
  private final int size;

  Range(long start, long stop, long step) {
    if (step == 0) {
      throw JinjaException.runtime("range() arg 3 must not be zero");
    }
    long distance = step > 0 ? stop - start : start - stop;
    long length = distance <= 0 ? 0 : (distance - 1) / Math.abs(step) + 1;
    if (length > MAX_LENGTH) {
      throw JinjaException.limit("range is too large: more than " + MAX_LENGTH + " numbers");
    }
    this.start = start;
    this.stop = stop;
    this.step = step;
    this.size = (int) length;
  }

  @Override
  public Object get(int index) {
    return start + index * step;
  }

  @Override
  public int size() {
    return size;
  }

  String described() {
    return "range(" + start + ", " + stop + (step == 1 ? ")" : ", " + step + ")");
  }
}
