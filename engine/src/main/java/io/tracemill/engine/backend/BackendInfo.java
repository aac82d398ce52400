package io.tracemill.engine.backend;

import io.tracemill.engine.kvcache.KvLayout;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a running backend is.
 *
 * @param name the provider's name
 * @param device the hardware, for people
 * @param deviceUuid stable identity of an accelerator; empty for a CPU
 * @param weightElement element type of the weights in use, such as {@code bf16}
 * @param kvLayout shape of its KV cache
 * @param numPages pages in its pool, ids 0 to {@code numPages - 1}
 * @param maxLanes lanes, ids 0 to {@code maxLanes - 1}
 * @param stepsInFlight decode steps that may be enqueued before the tokens of the oldest are read:
 *     1 where decode returns finished tokens, 2 where the host prepares the next step while one
 *     runs
 * @param readsWeightsInPlace whether it goes on reading the checkpoint's mapped files
 * @param memoryBytes what it allocated, by purpose ({@code weights}, {@code kv pages}, ...), for
 *     the start-up table
 */
public record BackendInfo(
    String name,
    String device,
    Optional<String> deviceUuid,
    String weightElement,
    KvLayout kvLayout,
    int numPages,
    int maxLanes,
    int stepsInFlight,
    boolean readsWeightsInPlace,
    SortedMap<String, Long> memoryBytes) {
  public BackendInfo {
    memoryBytes = java.util.Collections.unmodifiableSortedMap(new TreeMap<>(memoryBytes));
  }
}
