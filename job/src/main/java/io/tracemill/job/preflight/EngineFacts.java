package io.tracemill.job.preflight;

import io.tracemill.engine.EngineDescription;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.kvcache.KvLayout;
import java.io.Serializable;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an opened engine is, in a form that travels from an executor.
 *
 * @param backend the provider's name
 * @param device the hardware, for people
 * @param deviceUuid identity of an accelerator; empty for a CPU
 * @param weightElement element type of the weights
 * @param slots sequences that decode at once
 * @param contextTokens prompt and output together
 * @param kvPages pages of the KV cache
 * @param kvPageBytes bytes of a page over all layers
 * @param memoryBytes what was allocated, by purpose
 */
record EngineFacts(
    String backend,
    String device,
    String deviceUuid,
    String weightElement,
    int slots,
    int contextTokens,
    int kvPages,
    long kvPageBytes,
    TreeMap<String, Long> memoryBytes)
    implements Serializable {

  static EngineFacts of(EngineDescription engine) {
    BackendInfo backend = engine.backend();
    return new EngineFacts(
        backend.name(),
        backend.device(),
        backend.deviceUuid().orElse(""),
        backend.weightElement(),
        backend.maxLanes(),
        engine.maxContextTokens(),
        backend.numPages(),
        backend.kvLayout().pageBytes(),
        new TreeMap<>(backend.memoryBytes()));
  }

  Optional<String> uuid() {
    return deviceUuid.isEmpty() ? Optional.empty() : Optional.of(deviceUuid);
  }

  long kvRows() {
    return (long) kvPages * KvLayout.PAGE_SIZE_TOKENS;
  }

  SortedMap<String, Long> memory() {
    return memoryBytes;
  }
}
