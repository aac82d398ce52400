package io.tracemill.engine.compress;

import java.util.Optional;

/**
 * LagKV's schedule (arXiv 2504.04704): rows behind the sinks form partitions; as soon as two whole
 * ones are uncompressed, the older is cut to its share with the younger as reference. With S the
 * protected rows, L the partition and m the rows that stay of one, compression N runs after the
 * step at which {@code (N + 1) L} rows behind the protected ones have been appended, at most one
 * per step.
 *
 * @param partitionRows L, at least 2
 * @param keptRows m, in [1, L)
 * @param prompt whether the prompt is protected
 * @param sinkRows rows at the start that stay, where the prompt does not
 */
record LagSchedule(int partitionRows, int keptRows, PolicyNeeds.PromptRows prompt, int sinkRows)
    implements CompressionSchedule {

  LagSchedule {
    if (partitionRows < 2 || keptRows < 1 || keptRows >= partitionRows || sinkRows < 0) {
      throw new IllegalArgumentException(
          "no schedule: partition %d, kept %d, sinks %d"
              .formatted(partitionRows, keptRows, sinkRows));
    }
  }

  @Override
  public boolean dueAfter(int promptRows, int step) {
    return compressionsAfter(promptRows, step) > compressionsAfter(promptRows, step - 1);
  }

  @Override
  public int compressionsAfter(int promptRows, int step) {
    int partitions = Math.floorDiv(promptRows + step - protectedRows(promptRows), partitionRows);
    return Math.max(0, Math.min(step, partitions - 1));
  }

  @Override
  public int rowsAfter(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(promptRows, step));
  }

  @Override
  public int rowsAttended(int promptRows, int step) {
    return rows(promptRows, step, compressionsAfter(promptRows, step - 1));
  }

  @Override
  public int untouchedRows(int promptRows) {
    return Math.min(promptRows, protectedRows(promptRows));
  }

  @Override
  public int peakRows(int promptRows, int lastStep) {
    if (lastStep == 0) {
      return promptRows;
    }
    int peak = Math.max(rowsAttended(promptRows, 1), rowsAttended(promptRows, lastStep));
    int compressions = compressionsAfter(promptRows, lastStep);
    if (compressions > 0) {
      peak = Math.max(peak, rowsAttended(promptRows, compressionStep(promptRows, 1)));
      peak = Math.max(peak, rowsAttended(promptRows, compressionStep(promptRows, compressions)));
    }
    return peak;
  }

  @Override
  public long attendedRowsTotal(int promptRows, int lastStep) {
    long steps = lastStep;
    long total = promptRows * steps + steps * (steps + 1) / 2;
    if (lastStep > 0) {
      int compressions = compressionsAfter(promptRows, lastStep - 1);
      for (int number = 1; number <= compressions; number++) {
        long dropped = partitionRows - (long) keptRows;
        total -= dropped * (steps - compressionStep(promptRows, number));
      }
    }
    return total;
  }

  @Override
  public Optional<RowPlan> plan(int promptRows, int step) {
    if (!dueAfter(promptRows, step)) {
      return Optional.empty();
    }
    int done = compressionsAfter(promptRows, step) - 1;
    int before = protectedRows(promptRows) + done * keptRows;
    int reference = rowsAttended(promptRows, step) - before - partitionRows;
    return Optional.of(new RowPlan(before, partitionRows, keptRows, reference));
  }

  private int protectedRows(int promptRows) {
    return prompt == PolicyNeeds.PromptRows.STAY ? promptRows : sinkRows;
  }

  private int compressionStep(int promptRows, int number) {
    return Math.max(number, (number + 1) * partitionRows + protectedRows(promptRows) - promptRows);
  }

  private int rows(int promptRows, int step, int compressions) {
    long dropped = (long) compressions * (partitionRows - keptRows);
    return Math.toIntExact((long) promptRows + step - dropped);
  }
}
