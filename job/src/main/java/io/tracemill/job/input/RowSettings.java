package io.tracemill.job.input;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.GenerationSettings;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The settings of one row: those of the run, with the row's own in their place. Numbers may come as
 * numbers or as text, since CSV knows nothing else; a value that is null or blank is not given.
 */
final class RowSettings {
  private static final int MOST_SAMPLES = 1_024;

  private final GenerationSettings run;
  private final Map<RowParameter, Object> own;

  private RowSettings(GenerationSettings run, Map<RowParameter, Object> own) {
    this.run = run;
    this.own = own;
  }

  /**
   * Joins the two.
   *
   * @param own values by parameter: numbers, text, or for stop strings a list of text
   * @param deepestWindowTokens newest queries that engines were opened to keep
   * @throws BadRowException at the first value that is wrong
   */
  static GenerationSettings of(
      GenerationSettings run, Map<RowParameter, Object> own, int deepestWindowTokens)
      throws BadRowException {
    Map<RowParameter, Object> given = new HashMap<>();
    own.forEach(
        (parameter, value) -> {
          if (value != null && !(value instanceof String text && text.isBlank())) {
            given.put(parameter, value);
          }
        });
    return given.isEmpty() ? run : new RowSettings(run, given).joined(deepestWindowTokens);
  }

  private GenerationSettings joined(int deepestWindowTokens) throws BadRowException {
    try {
      SamplingParams sampling =
          new SamplingParams(
              decimal(RowParameter.TEMPERATURE, run.temperature()),
              whole(RowParameter.TOP_K, run.topK(), 0, Integer.MAX_VALUE),
              decimal(RowParameter.TOP_P, run.topP()),
              decimal(RowParameter.MIN_P, run.minP()),
              decimal(RowParameter.REPETITION_PENALTY, run.repetitionPenalty()),
              whole(RowParameter.MAX_NEW_TOKENS, run.maxNewTokens(), 1, Integer.MAX_VALUE),
              stop(),
              integer(RowParameter.SEED, run.seed(), Long.MIN_VALUE, Long.MAX_VALUE));
      return GenerationSettings.of(
          sampling,
          whole(RowParameter.SAMPLES, run.samples(), 1, MOST_SAMPLES),
          kvPolicy(deepestWindowTokens));
    } catch (ReasoningException e) {
      throw new BadRowException("The row's " + lowerFirst(e.getMessage()));
    }
  }

  private float decimal(RowParameter parameter, float otherwise) throws BadRowException {
    return own.containsKey(parameter) ? number(parameter).floatValue() : otherwise;
  }

  private int whole(RowParameter parameter, int otherwise, int least, int most)
      throws BadRowException {
    return Math.toIntExact(integer(parameter, otherwise, least, most));
  }

  private long integer(RowParameter parameter, long otherwise, long least, long most)
      throws BadRowException {
    if (!own.containsKey(parameter)) {
      return otherwise;
    }
    try {
      long value = number(parameter).longValueExact();
      if (value >= least && value <= most) {
        return value;
      }
    } catch (ArithmeticException e) {
      // It has a fraction or is too large for a long.
    }
    throw wrong(
        parameter,
        least == Long.MIN_VALUE
            ? "a whole number of 64 bits"
            : "a whole number from %,d to %,d".formatted(least, most));
  }

  private BigDecimal number(RowParameter parameter) throws BadRowException {
    Object value = own.get(parameter);
    if (value instanceof Number || value instanceof String) {
      try {
        return new BigDecimal(value.toString().strip());
      } catch (NumberFormatException e) {
        // Not a number; NaN and infinities neither.
      }
    }
    throw wrong(parameter, "a number");
  }

  private List<String> stop() throws BadRowException {
    Object value = own.get(RowParameter.STOP);
    if (value == null) {
      return run.stopStrings();
    }
    if (value instanceof String text) {
      return List.of(text); // Blank ones are not given at all.
    }
    if (value instanceof List<?> list) {
      List<String> texts = new ArrayList<>();
      for (Object each : list) {
        if (!(each instanceof String text) || text.isEmpty()) {
          throw wrong(RowParameter.STOP, "a text or a list of texts, none of them empty");
        }
        texts.add(text);
      }
      return texts;
    }
    throw wrong(RowParameter.STOP, "a text or a list of texts, none of them empty");
  }

  private KvPolicySettings kvPolicy(int deepestWindowTokens) throws BadRowException {
    Object value = own.get(RowParameter.KV_POLICY);
    if (value == null) {
      return run.kvPolicy();
    }
    if (!(value instanceof String text)) {
      throw wrong(RowParameter.KV_POLICY, "a text such as full, or rpc interval=512 ratio=4");
    }
    KvCompressionPolicy policy = KvPolicies.create(KvPolicyText.parse(text, run.kvPolicy()));
    if (policy.needs().queryRingDepth() > deepestWindowTokens) {
      throw new BadRowException(
          "The row's kv-policy '%s' needs the queries of the last %d tokens, but engines of this run keep %d; start the run with --query-ring %d."
              .formatted(
                  text.strip(),
                  policy.needs().queryRingDepth(),
                  deepestWindowTokens,
                  policy.needs().queryRingDepth()));
    }
    return policy.settings();
  }

  private BadRowException wrong(RowParameter parameter, String range) {
    return new BadRowException(
        "The row's %s is '%s'; it must be %s."
            .formatted(parameter.label(), own.get(parameter), range));
  }

  private static String lowerFirst(String sentence) {
    return sentence.startsWith("KV ")
        ? sentence
        : sentence.substring(0, 1).toLowerCase(Locale.ROOT) + sentence.substring(1);
  }
}
