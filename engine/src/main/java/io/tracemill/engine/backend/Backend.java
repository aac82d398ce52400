package io.tracemill.engine.backend;

import java.util.List;

/**
 * One model on one device. A <em>lane</em> is a sequence's place: its newest token, position, row
 * count, page table, query ring and sampling state live there, on the device. The caller owns pages
 * and decides schedules; the backend owns bytes and arithmetic.
 *
 * <p><b>Order.</b> All calls take effect in call order, as if on one stream; they may return before
 * their work is done. A page may be given to another lane right after the call that stopped using
 * it. Several lanes may hold a page whose rows are preset for all of them but the one that wrote
 * it; every other page belongs to one lane.
 *
 * <p><b>Batch invariance.</b> The tokens of a lane depend on nothing but its own calls: not on
 * other lanes, on the batch size, or on how its prompt was cut into chunks.
 *
 * <p><b>Threads.</b> One thread makes all calls, {@link #close} included.
 *
 * <p><b>Failure.</b> A {@link io.tracemill.engine.error.ReasoningException} of type {@code
 * INSUFFICIENT_RESOURCES} leaves the backend as it was before the call; of type {@code DEVICE} it
 * makes the backend unusable: only {@link #close} may follow.
 */
public interface Backend extends AutoCloseable {

  /** What this backend is; constant. */
  BackendInfo info();

  /**
   * Gives a lane to a new sequence: empty page table, and as many rows as are preset; its position
   * is the number of its rows. Preset rows are read from the pages that {@link #mapPages} names
   * next, which other lanes may hold at the same time and nobody writes into any more.
   *
   * @throws IllegalStateException where the lane is taken
   */
  void startLane(LaneStart start);

  /**
   * Sets entries of a lane's page table; entry i holds rows {@code [64 i, 64 i + 64)}. Pages must
   * be mapped before a batch writes into them.
   */
  void mapPages(int lane, int firstEntry, int[] pages);

  /** Frees a lane; its rows are gone. Its tokens still in flight are computed and may be read. */
  void endLane(int lane);

  /**
   * Appends prompt tokens to lanes. Chunks of one lane come in order, at most one per batch. A
   * chunk marked last samples the lane's first output token (token index 0).
   *
   * @return the tokens sampled by last chunks, in their order in the batch
   */
  PendingTokens prefill(List<PrefillChunk> chunks);

  /**
   * One decode step for the given lanes: feeds each lane's newest token, appends its row, attends
   * to all rows, samples the next token.
   *
   * @param lanes distinct lanes whose prompt is complete
   * @return the sampled tokens, in the order of {@code lanes}
   */
  PendingTokens decode(int[] lanes);

  /**
   * Compresses lanes as planned: scores the candidates of every layer, keeps the best, moves the
   * kept rows together in place and in order. The lane's row count becomes the plan's; its position
   * does not change. Page table entries past the new row count are no longer used. Where a keep
   * rule drops more than is planned, the lane holds so many rows fewer, and the next plan starts
   * there.
   */
  PendingCompression compress(List<LaneCompression> compressions);

  /** Waits for work in flight and frees everything. Closing twice is allowed. */
  @Override
  void close();
}
