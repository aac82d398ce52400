package io.tracemill.engine.api;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.List;

/**
 * How tokens are drawn and when a sequence ends. Filters apply in the order of Hugging Face
 * Transformers: repetition penalty, temperature, top-k, top-p, min-p.
 *
 * @param temperature divides the logits, 1e-6 to 100; 0 is greedy (the highest logit, the lower id
 *     among equals)
 * @param topK keeps the k highest logits; 0 is off
 * @param topP keeps the smallest set whose probability reaches p, in (0, 1]; 1 is off
 * @param minP drops tokens below p times the highest probability, in [0, 1); 0 is off
 * @param repetitionPenalty divides positive and multiplies negative logits of seen tokens, prompt
 *     included; 1 is off
 * @param maxNewTokens token budget, at least 1; the token that ends the output counts
 * @param stopStrings texts that end the output; they are cut off
 * @param seed seed of the run; draws depend on it, the row key, the sample index and the token
 *     index only
 */
public record SamplingParams(
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    int maxNewTokens,
    List<String> stopStrings,
    long seed) {
  /** Divided by less, a logit can leave the range of float. */
  private static final float LEAST_TEMPERATURE = 1e-6f;

  public SamplingParams {
    check(
        temperature == 0 || (temperature >= LEAST_TEMPERATURE && temperature <= 100),
        "temperature",
        temperature,
        "0 (greedy), or 1e-6 to 100");
    check(topK >= 0, "top-k", topK, "0 (off) or more");
    check(topP > 0 && topP <= 1, "top-p", topP, "above 0 and at most 1");
    check(minP >= 0 && minP < 1, "min-p", minP, "at least 0 and below 1");
    check(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetition-penalty",
        repetitionPenalty,
        "above 0 and at most 100");
    check(maxNewTokens >= 1, "max-new-tokens", maxNewTokens, "1 or more");
    stopStrings = List.copyOf(stopStrings);
    if (stopStrings.contains("")) {
      throw new ReasoningException(
          ErrorCode.INVALID_ARGUMENT, "A stop string is empty; leave it out or give it a text.");
    }
  }

  /** The highest logit at every step. */
  public static SamplingParams greedy(int maxNewTokens) {
    return new SamplingParams(0, 0, 1, 0, 1, maxNewTokens, List.of(), 0);
  }

  /** Whether every token is the highest logit and no random number is drawn. */
  public boolean isGreedy() {
    return temperature == 0;
  }

  private static void check(boolean ok, String name, Number value, String range) {
    if (!ok) {
      throw new ReasoningException(
          ErrorCode.INVALID_ARGUMENT, name + " is " + value + "; it must be " + range + ".");
    }
  }
}
