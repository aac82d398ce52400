package io.tracemill.engine.text.jinja;

import java.time.Clock;

/**
 * What one rendering shares: the clock and the budgets against templates that run away. For one
 * thread.
 */
final class RenderState {
  private static final int MAX_STEPS = 2_000_000;
  private static final int MAX_DEPTH = 100;

  private final Clock clock;
  private int steps;
  private int depth;

  RenderState(Clock clock) {
    this.clock = clock;
  }

  Clock clock() {
    return clock;
  }

  /** Counts one statement or one turn of a loop. */
  void step() {
    if (++steps > MAX_STEPS) {
      throw JinjaException.limit("the template took more than " + MAX_STEPS + " steps");
    }
  }

  void enterMacro() {
    if (++depth > MAX_DEPTH) {
      throw JinjaException.limit("macros call each other more than " + MAX_DEPTH + " deep");
    }
  }

  void leaveMacro() {
    depth--;
  }
}
