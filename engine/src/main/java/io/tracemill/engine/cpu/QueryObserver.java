package io.tracemill.engine.cpu;

/** Sees every query before the rotary embedding. */
interface QueryObserver {
  QueryObserver NONE = (layer, head, queries, offset) -> {};

  /**
   * A query.
   *
   * @param queries {@code [headDim]} from {@code offset}; valid during the call
   */
  void query(int layer, int head, float[] queries, int offset);
}
