package io.tracemill.engine.compress;

import java.util.Optional;

/** The schedule without compressions: one row more per step. */
final class FullSchedule implements CompressionSchedule {
  static final FullSchedule INSTANCE = new FullSchedule();

  private FullSchedule() {}

  @Override
  public boolean dueAfter(int promptRows, int step) {
    return false;
  }

  @Override
  public int compressionsAfter(int promptRows, int step) {
    return 0;
  }

  @Override
  public int rowsAfter(int promptRows, int step) {
    return Math.addExact(promptRows, step);
  }

  @Override
  public int rowsAttended(int promptRows, int step) {
    return Math.addExact(promptRows, step);
  }

  @Override
  public int peakRows(int promptRows, int lastStep) {
    return Math.addExact(promptRows, lastStep);
  }

  @Override
  public long attendedRowsTotal(int promptRows, int lastStep) {
    return (long) promptRows * lastStep + (long) lastStep * (lastStep + 1L) / 2;
  }

  @Override
  public int untouchedRows(int promptRows) {
    return promptRows;
  }

  @Override
  public Optional<RowPlan> plan(int promptRows, int step) {
    return Optional.empty();
  }
}
