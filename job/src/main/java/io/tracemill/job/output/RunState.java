package io.tracemill.job.output;

import java.util.Locale;

/** How a run stands. */
public enum RunState {
  /** Its driver is at work, or has died and no later run has noticed. */
  RUNNING,
  /** Every row that was due is committed. */
  COMPLETED,
  /** It ended with a message; what it committed stays. */
  FAILED,
  /** Its driver died; a later run noticed. What it committed stays. */
  INTERRUPTED;

  /** The word in the runs table. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
