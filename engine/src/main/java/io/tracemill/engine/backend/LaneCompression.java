package io.tracemill.engine.backend;

import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import java.util.Objects;

/**
 * One lane to compress.
 *
 * @param lane the lane
 * @param plan which rows compete and how many stay
 * @param rule how candidates are ranked
 */
public record LaneCompression(int lane, RowPlan plan, ScoreRule rule) {
  public LaneCompression {
    Objects.requireNonNull(plan, "plan");
    Objects.requireNonNull(rule, "rule");
  }
}
