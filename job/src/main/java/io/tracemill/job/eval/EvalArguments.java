package io.tracemill.job.eval;

import io.tracemill.job.run.JobArguments;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Everything an evaluation was asked for.
 *
 * @param job the run that generates its rows; its input has the grid's variants
 * @param grid the cells
 * @param answerColumn column of the input with the right answers
 * @param order how cells share the engines
 * @param markdown where the table is also written, for people
 */
public record EvalArguments(
    JobArguments job, Grid grid, String answerColumn, Order order, Optional<Path> markdown) {

  /** How cells share the engines. */
  public enum Order {
    /** All at once: engines stay full, and no cell has a speed of its own. */
    MIXED,
    /** One after another, each as a run: tokens per second of a cell mean something. */
    ONE_CELL_AT_A_TIME,
    /** None runs: what is there is summed up. */
    NONE
  }

  /** The runs that make the rows, in order. */
  List<JobArguments> runs() {
    return switch (order) {
      case MIXED -> List.of(job);
      case ONE_CELL_AT_A_TIME ->
          grid.variants().stream()
              .map(variant -> job.withInput(job.input().withVariants(List.of(variant))))
              .toList();
      case NONE -> List.of();
    };
  }
}
