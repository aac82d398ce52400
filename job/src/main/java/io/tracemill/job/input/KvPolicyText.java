package io.tracemill.job.input;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A KV policy as a cell holds it: its name, then what differs from the run's own policy of that
 * name, such as {@code rpc interval=512 window=32 ratio=4 mode=paper aggregation=group}.
 */
final class KvPolicyText {
  private static final int DEFAULT_INTERVAL = 1024;
  private static final int DEFAULT_WINDOW = 32;
  private static final int DEFAULT_RATIO = 4;

  private KvPolicyText() {}

  static KvPolicySettings parse(String text, KvPolicySettings run) throws BadRowException {
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
            "The row's kv-policy is '%s'; after the name, '%s' must be of the form name=value."
                .formatted(text.strip(), words[i]));
      }
      String name = words[i].substring(0, at);
      String value = words[i].substring(at + 1);
      switch (name) {
        case "interval" -> interval = number(text, name, value);
        case "window" -> window = number(text, name, value);
        case "ratio" -> ratio = number(text, name, value);
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

  private static int number(String text, String name, String value) throws BadRowException {
    if (!value.matches("\\d{1,9}")) {
      throw new BadRowException(
          "The row's kv-policy is '%s'; its %s must be a whole number."
              .formatted(text.strip(), name));
    }
    return Integer.parseInt(value);
  }
}
