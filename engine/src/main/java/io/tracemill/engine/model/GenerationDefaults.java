package io.tracemill.engine.model;

import java.util.List;

/**
 * What a checkpoint's authors suggest for sampling. A setting that they leave out is off.
 *
 * @param temperature divides the logits; 0 where {@code do_sample} is false, which is greedy
 * @param topK keeps the k highest logits; 0 is off
 * @param topP keeps the smallest set whose probability reaches p; 1 is off
 * @param minP drops tokens below p times the highest probability; 0 is off
 * @param repetitionPenalty 1 is off
 * @param stopTokenIds tokens that end the output, in the order given; may be empty
 */
public record GenerationDefaults(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    List<Integer> stopTokenIds) {
  public GenerationDefaults {
    stopTokenIds = List.copyOf(stopTokenIds);
  }
}
