package io.tracemill.engine.backend;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How a backend is sized.
 *
 * @param maxLanes sequences that decode at once, at least 1 (the user's {@code --slots})
 * @param queryRingDepth deepest query ring any policy will ask for; 0 for none
 * @param maxSequenceRows most rows one sequence may hold; bounds the page table
 * @param prefillChunkTokens most prompt tokens of one prefill batch
 * @param kvCacheBytes size of the KV pool; empty for {@code kvMemoryFraction} of what is free after
 *     loading
 * @param kvMemoryFraction share of free memory for the KV pool, in (0, 1]
 * @param kvElement element type of cached keys and values
 * @param threads CPU threads of a CPU backend; empty for all cores
 * @param deviceOrdinal the device of an accelerator backend; empty for the first
 */
public record BackendOptions(
    int maxLanes,
    int queryRingDepth,
    int maxSequenceRows,
    int prefillChunkTokens,
    OptionalLong kvCacheBytes,
    double kvMemoryFraction,
    KvElement kvElement,
    OptionalInt threads,
    OptionalInt deviceOrdinal) {

  /** Element type of the KV cache. */
  public enum KvElement {
    /** float32 on the CPU backend, bf16 on accelerators. */
    BACKEND_DEFAULT,
    FLOAT32,
    BF16
  }

  public BackendOptions {
    if (maxLanes < 1 || queryRingDepth < 0 || maxSequenceRows < 1 || prefillChunkTokens < 1) {
      throw new IllegalArgumentException(
          "no options: %d lanes, ring %d, %d rows, chunk %d"
              .formatted(maxLanes, queryRingDepth, maxSequenceRows, prefillChunkTokens));
    }
    if (!(kvMemoryFraction > 0 && kvMemoryFraction <= 1)) {
      throw new IllegalArgumentException(
          "kvMemoryFraction " + kvMemoryFraction + " is not in (0, 1]");
    }
  }
}
