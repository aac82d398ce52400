package io.tracemill.job.input;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.job.error.JobErrors;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A KV policy as a cell holds it: its name, then what differs from the run's own policy of that
 * name, such as {@code rpc interval=512 window=32 ratio=4 mode=paper aggregation=group}.
 */
public final class KvPolicyText {
  private static final int DEFAULT_INTERVAL = 1024;
  private static final int DEFAULT_WINDOW = 32;
  private static final int DEFAULT_RATIO = 4;

  private KvPolicyText() {}

  /**
   * Reads the policy of an option, such as {@code snapkv rows=512}.
   *
   * @param option its name, for messages
   * @throws io.tracemill.job.error.JobException where the text is none; whether there is such a
   *     policy is not looked at
   */
  public static KvPolicySettings ofOption(String option, String text) {
    try {
      return parse(option + " is", text, KvPolicySettings.full());
    } catch (BadRowException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
  }

  /** The policy as text: equal for equal settings, and read back to the same. */
  public static String of(KvPolicySettings policy) {
    StringBuilder text = new StringBuilder(policy.name());
    add(text, "interval", policy.intervalTokens());
    add(text, "window", policy.windowTokens());
    add(text, "ratio", policy.ratio());
    if (!policy.mode().isEmpty()) {
      text.append(" mode=").append(policy.mode());
    }
    new TreeMap<>(policy.options())
        .forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
    return text.toString();
  }

  private static void add(StringBuilder text, String name, int number) {
    if (number != 0) {
      text.append(' ').append(name).append('=').append(number);
    }
  }

  static KvPolicySettings parse(String text, KvPolicySettings run) throws BadRowException {
    return parse("The row's kv-policy is", text, run);
  }

  private static KvPolicySettings parse(String subject, String text, KvPolicySettings run)
      throws BadRowException {
    String[] words = text.strip().split("[\\s,;]+");
    KvPolicySettings start = start(words[0], run);
    int interval = start.intervalTokens();
    int window = start.windowTokens();
    int ratio = start.ratio();
    String mode = start.mode();
    Map<String, String> options = new LinkedHashMap<>(start.options());
    for (int i = 1; i < words.length; i++) {
      int at = words[i].indexOf('=');
      if (at < 1) {
        throw new BadRowException(
            "%s '%s'; after the name, '%s' must be of the form name=value."
                .formatted(subject, text.strip(), words[i]));
      }
      String name = words[i].substring(0, at);
      String value = words[i].substring(at + 1);
      switch (name) {
        case "interval" -> interval = number(subject, text, name, value);
        case "window" -> window = number(subject, text, name, value);
        case "ratio" -> ratio = number(subject, text, name, value);
        case "mode" -> mode = value;
        default -> options.put(name, value);
      }
    }
    return new KvPolicySettings(words[0], interval, window, ratio, mode, options);
  }

  private static KvPolicySettings start(String name, KvPolicySettings run) {
    if (name.equals(run.name())) {
      return run;
    }
    return name.equals("rpc")
        ? KvPolicySettings.rpc(DEFAULT_INTERVAL, DEFAULT_WINDOW, DEFAULT_RATIO)
        : new KvPolicySettings(name, 0, 0, 0, "", Map.of());
  }

  private static int number(String subject, String text, String name, String value)
      throws BadRowException {
    if (!value.matches("\\d{1,9}")) {
      throw new BadRowException(
          "%s '%s'; its %s must be a whole number.".formatted(subject, text.strip(), name));
    }
    return Integer.parseInt(value);
  }
}
