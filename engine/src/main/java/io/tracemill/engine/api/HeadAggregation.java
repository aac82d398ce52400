package io.tracemill.engine.api;

/** Over which query heads importance scores are averaged before the retained rows are chosen. */
public enum HeadAggregation {
  /** All query heads of a layer: one retained set for all its KV heads. */
  ALL,
  /** The query heads of one KV head: every KV head keeps its own set, of equal size. */
  GROUP
}
