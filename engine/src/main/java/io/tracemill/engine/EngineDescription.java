package io.tracemill.engine;

import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.model.GenerationDefaults;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an open engine is, for run fingerprints and start-up tables; constant.
 *
 * @param modelId name of the model directory
 * @param fingerprints SHA-256, in lower-case hex, of what decides the output: {@code config},
 *     {@code weights} (headers and sizes of all files), {@code tokenizer}, {@code template}; those
 *     of missing files are left out
 * @param backend the backend in use
 * @param stopTokenIds ids that end an output
 * @param generationDefaults what the model's authors suggest for sampling
 * @param maxContextTokens prompt and output together
 */
public record EngineDescription(
    String modelId,
    SortedMap<String, String> fingerprints,
    BackendInfo backend,
    List<Integer> stopTokenIds,
    GenerationDefaults generationDefaults,
    int maxContextTokens) {
  public EngineDescription {
    Objects.requireNonNull(modelId, "modelId");
    Objects.requireNonNull(backend, "backend");
    Objects.requireNonNull(generationDefaults, "generationDefaults");
    fingerprints = Collections.unmodifiableSortedMap(new TreeMap<>(fingerprints));
    stopTokenIds = List.copyOf(stopTokenIds);
  }
}
