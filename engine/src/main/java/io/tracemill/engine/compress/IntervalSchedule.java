package io.tracemill.engine.compress;

import java.util.Optional;

/**
 * A compression every so many decode steps, from the first multiple of the interval at which the
 * target's least rows are exceeded. In closed form: with s the uncounted prompt rows, I the
 * interval and k1 the first step, compression N runs after step {@code k1 + (N - 1) I} and leaves
 * {@code s + target(rows of a full cache)}.
 *
 * @param intervalTokens I, at least 1
 * @param target counted rows that a compression leaves; more than the protected rows
 * @param prompt whether the prompt is protected and uncounted
 * @param sinkRows rows at the start that stay, 0 where the prompt does
 * @param windowRows newest rows that stay
 * @param watch what happens at multiples of the interval before the first compression
 */
record IntervalSchedule(
    int intervalTokens,
    RowTarget target,
    PolicyNeeds.PromptRows prompt,
    int sinkRows,
    int windowRows,
    Watch watch)
    implements CompressionSchedule {

  /** Whether rows are scored before there is anything to drop. */
  enum Watch {
    COMPRESSIONS,
    EVERY_INTERVAL
  }

  IntervalSchedule {
    if (intervalTokens < 1
        || sinkRows < 0
        || windowRows < 0
        || target.leastRows() < sinkRows + windowRows) {
      throw new IllegalArgumentException(
          "no schedule: interval %d, least rows %d, sinks %d, window %d"
              .formatted(intervalTokens, target.leastRows(), sinkRows, windowRows));
    }
  }

  @Override
  public boolean dueAfter(int promptRows, int step) {
    return step % intervalTokens == 0 && step >= firstStep(promptRows);
  }

  @Override
  public int compressionsAfter(int promptRows, int step) {
    int beyond = step - firstStep(promptRows);
    return beyond < 0 ? 0 : beyond / intervalTokens + 1;
  }

  @Override
  public int rowsAfter(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(promptRows, step));
  }

  @Override
  public int rowsAttended(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(promptRows, step - 1));
  }

  /**
   * Rows grow between compressions, and what a compression leaves never falls: the most are held at
   * the last step, at the last compression, or at the first.
   */
  @Override
  public int untouchedRows(int promptRows) {
    return Math.min(promptRows, protectedRows(promptRows));
  }

  @Override
  public int peakRows(int promptRows, int lastStep) {
    if (lastStep == 0) {
      return promptRows;
    }
    int peak = rowsAttended(promptRows, lastStep);
    int compressions = compressionsAfter(promptRows, lastStep);
    if (compressions > 0) {
      int first = firstStep(promptRows);
      int last = first + (compressions - 1) * intervalTokens;
      peak = Math.max(peak, rowsAttended(promptRows, first));
      peak = Math.max(peak, rowsAttended(promptRows, last));
    }
    return peak;
  }

  @Override
  public long attendedRowsTotal(int promptRows, int lastStep) {
    long steps = lastStep;
    long total = promptRows * steps + steps * (steps + 1) / 2;
    if (lastStep > 0) {
      for (int step = firstStep(promptRows); step < lastStep; step += intervalTokens) {
        long dropped = rowsAttended(promptRows, step) - (long) rowsAfter(promptRows, step);
        total -= dropped * (steps - step);
      }
    }
    return total;
  }

  @Override
  public Optional<RowPlan> plan(int promptRows, int step) {
    return dueAfter(promptRows, step)
        ? Optional.of(plan(promptRows, rowsAttended(promptRows, step), rowsAfter(promptRows, step)))
        : Optional.empty();
  }

  @Override
  public Optional<RowPlan> observation(int promptRows, int step) {
    int rows = promptRows + step;
    boolean wanted =
        watch == Watch.EVERY_INTERVAL
            && step % intervalTokens == 0
            && step < firstStep(promptRows)
            && rows > protectedRows(promptRows) + windowRows;
    return wanted ? Optional.of(plan(promptRows, rows, rows)) : Optional.empty();
  }

  private RowPlan plan(int promptRows, int rowsBefore, int rowsAfter) {
    int stay = protectedRows(promptRows) + windowRows;
    return new RowPlan(protectedRows(promptRows), rowsBefore - stay, rowsAfter - stay, windowRows);
  }

  private int protectedRows(int promptRows) {
    return sinkRows + promptRows - countedPromptRows(promptRows);
  }

  private int countedPromptRows(int promptRows) {
    return prompt == PolicyNeeds.PromptRows.COMPETE ? promptRows : 0;
  }

  /** The first multiple of the interval after which more than the least rows are held. */
  private int firstStep(int promptRows) {
    long missing = Math.max(1L, target.leastRows() + 1L - countedPromptRows(promptRows));
    long intervals = (missing + intervalTokens - 1) / intervalTokens;
    return (int) Math.min(Integer.MAX_VALUE, intervals * intervalTokens);
  }

  /** Rows after a step, of which {@code compressions} came first. */
  private int rows(int promptRows, int step, int compressions) {
    if (compressions == 0) {
      return Math.addExact(promptRows, step);
    }
    int counted = countedPromptRows(promptRows);
    int newest = firstStep(promptRows) + (compressions - 1) * intervalTokens;
    int left = target.rowsAfter(Math.addExact(counted, newest));
    return Math.toIntExact((long) promptRows - counted + left + step - newest);
  }
}
