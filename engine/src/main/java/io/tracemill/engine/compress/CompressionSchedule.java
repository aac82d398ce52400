package io.tracemill.engine.compress;

import java.util.Optional;

/**
 * When a sequence is compressed and how many rows it holds, in closed form. {@code step} k is the
 * decode step that feeds output token k, from 1; {@code promptRows} are the rows of the prompt. Row
 * counts are per layer, equal in all layers.
 */
public interface CompressionSchedule {

  /** Whether a compression runs after the attention of decode step {@code step}. */
  boolean dueAfter(int step);

  /** Compressions done once decode step {@code step} is over, its own included; 0 for step 0. */
  int compressionsAfter(int step);

  /** Rows held once decode step {@code step} and its compression, if any, are over. */
  int rowsAfter(int promptRows, int step);

  /**
   * Rows that decode step {@code step} attends to: its own new row included, not yet compressed;
   * step is at least 1.
   */
  int rowsAttended(int promptRows, int step);

  /**
   * Most rows attended by any of the decode steps 1 to {@code lastStep}; {@code promptRows} for no
   * step at all.
   */
  int peakRows(int promptRows, int lastStep);

  /** Sum of {@link #rowsAttended} over the decode steps 1 to {@code lastStep}. */
  long attendedRowsTotal(int promptRows, int lastStep);

  /**
   * Rows at the start of the prompt that no compression ever drops, moves or writes over, so that
   * sequences with the same prompt may share them; 0 where a schedule promises nothing.
   */
  default int untouchedRows(int promptRows) {
    return 0;
  }

  /** What the compression after decode step {@code step} does; empty where none is due. */
  Optional<RowPlan> plan(int promptRows, int step);
}
