package io.tracemill.engine.cpu;

import io.tracemill.engine.compress.RowPlan;

/**
 * One retained set of one layer of a lane to be scored.
 *
 * @param lane the lane
 * @param layer layer
 * @param plan rows
 * @param set index of the set in its layer
 * @param numSets sets of a layer: 1, or the number of KV heads
 * @param firstKvHead first KV head of the set
 * @param numKvHeads KV heads of the set
 */
record ScoreTask(
    Lane lane, int layer, RowPlan plan, int set, int numSets, int firstKvHead, int numKvHeads) {

  /** Index of the set among all layers'. */
  int setIndex() {
    return layer * numSets + set;
  }

  int firstCandidate() {
    return plan.protectedRows();
  }

  int endCandidate() {
    return plan.protectedRows() + plan.candidates();
  }

  int rows() {
    return plan.rowsBefore();
  }
}
