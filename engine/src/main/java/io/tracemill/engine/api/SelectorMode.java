package io.tracemill.engine.api;

/** Which recent queries select the rows that RPC keeps. */
public enum SelectorMode {
  /** The newest R queries, each counted once (the paper's Algorithm 1 as its text describes it). */
  PAPER,
  /** The newest R-1 queries with the newest counted twice, as the published code does. */
  RELEASE
}
