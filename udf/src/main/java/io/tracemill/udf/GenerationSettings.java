package io.tracemill.udf;

import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How every row of a run is generated, in a form that travels in a closure.
 *
 * @param temperature 0 for greedy
 * @param topK 0 is off
 * @param topP in (0, 1]; 1 is off
 * @param minP in [0, 1); 0 is off
 * @param repetitionPenalty 1 is off
 * @param maxNewTokens token budget of a sample
 * @param stopStrings texts that end an output
 * @param seed seed of the run
 * @param samples outputs for each row, at least 1
 * @param kvPolicyName the KV policy
 * @param kvIntervalTokens its interval P; 0 where it has none
 * @param kvWindowTokens its window R; 0 where it has none
 * @param kvRatio its compression ratio c; 0 where it has none
 * @param kvMode its variant; empty where it has none
 * @param kvOptions its further parameters
 */
public record GenerationSettings(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    int maxNewTokens,
    List<String> stopStrings,
    long seed,
    int samples,
    String kvPolicyName,
    int kvIntervalTokens,
    int kvWindowTokens,
    int kvRatio,
    String kvMode,
    Map<String, String> kvOptions)
    implements Serializable {

  public GenerationSettings {
    stopStrings = List.copyOf(stopStrings);
    kvOptions = java.util.Collections.unmodifiableMap(new TreeMap<>(kvOptions));
    if (samples < 1) {
      throw new IllegalArgumentException("samples is " + samples + "; it must be 1 or more");
    }
  }

  /** Joins the engine's two values into one that is serialisable. */
  public static GenerationSettings of(
      SamplingParams sampling, int samples, KvPolicySettings kvPolicy) {
    return new GenerationSettings(
        sampling.temperature(),
        sampling.topK(),
        sampling.topP(),
        sampling.minP(),
        sampling.repetitionPenalty(),
        sampling.maxNewTokens(),
        sampling.stopStrings(),
        sampling.seed(),
        samples,
        kvPolicy.name(),
        kvPolicy.intervalTokens(),
        kvPolicy.windowTokens(),
        kvPolicy.ratio(),
        kvPolicy.mode(),
        kvPolicy.options());
  }

  /** How tokens are drawn. */
  public SamplingParams sampling() {
    return new SamplingParams(
        temperature, topK, topP, minP, repetitionPenalty, maxNewTokens, stopStrings, seed);
  }

  /** How the KV cache is kept. */
  public KvPolicySettings kvPolicy() {
    return new KvPolicySettings(
        kvPolicyName, kvIntervalTokens, kvWindowTokens, kvRatio, kvMode, kvOptions);
  }

  /** The same settings with another KV policy. */
  public GenerationSettings withKvPolicy(KvPolicySettings kvPolicy) {
    return of(sampling(), samples, kvPolicy);
  }

  /** The request for one sample of a row. */
  public GenerationRequest request(String rowKey, int sampleIndex, Prompt prompt) {
    return new GenerationRequest(rowKey, sampleIndex, prompt, sampling(), kvPolicy());
  }
}
