package io.tracemill.engine.backend;

import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import java.util.Objects;

/**
 * One lane to compress.
 *
 * @param lane the lane
 * @param plan which rows compete and how many stay
 * @param rule how candidates are ranked
 * @param keep whether fewer may stay than the plan says
 */
public record LaneCompression(int lane, RowPlan plan, ScoreRule rule, KeepRule keep) {
  public LaneCompression {
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(rule, "rule");
    Objects.requireNonNull(keep, "keep");
  }

  /** A compression that keeps as many rows as planned. */
  public LaneCompression(int lane, RowPlan plan, ScoreRule rule) {
    this(lane, plan, rule, KeepRule.AS_PLANNED);
  }
}
