package io.tracemill.engine.compress;

import java.util.Optional;

/**
 * When a sequence is compressed and how many rows it holds, in closed form. {@code step} k is the
 * decode step that feeds output token k, from 1; {@code promptRows} are the rows of the prompt. Row
 * counts are per layer, equal in all layers. Where a policy's {@link KvCompressionPolicy#keepRule}
 * may drop more than is planned, row counts here are upper bounds; steps are exact always.
 */
public interface CompressionSchedule {

  /** Whether a compression runs after the attention of decode step {@code step}. */
  boolean dueAfter(int promptRows, int step);

  /** Compressions done once decode step {@code step} is over, its own included; 0 for step 0. */
  int compressionsAfter(int promptRows, int step);

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

  /**
   * What is scored without dropping a row after decode step {@code step}, for rules that add up
   * scores before there is anything to drop: all candidates of the plan stay. Empty where the step
   * has a compression, and for every other rule.
   */
  default Optional<RowPlan> observation(int promptRows, int step) {
    return Optional.empty();
  }
}
