package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Reads the parameters of one policy, each with its default and its range, and notes what is in
 * force. What was given and never read does not exist for the policy and is refused at the end.
 */
final class PolicyParameters {
  private final String policy;
  private final KvPolicySettings given;
  private final Map<String, String> effective = new TreeMap<>();
  private final Set<String> known = new LinkedHashSet<>();
  private int interval;
  private int window;
  private int ratio;

  PolicyParameters(String policy, KvPolicySettings given) {
    this.policy = policy;
    this.given = given;
  }

  String policy() {
    return policy;
  }

  /** The interval; where 0 or nothing is given, the default. */
  int interval(int defaultTokens, int least) {
    interval = given.intervalTokens() == 0 ? defaultTokens : given.intervalTokens();
    if (interval < least) {
      throw PolicyErrors.outOfRange(policy, "interval", interval, atLeast(least, "token"));
    }
    return interval;
  }

  /** The window; where 0 or nothing is given, the default. */
  int window(int defaultTokens, int least) {
    window = given.windowTokens() == 0 ? defaultTokens : given.windowTokens();
    if (window < least) {
      throw PolicyErrors.outOfRange(policy, "window", window, atLeast(least, "token"));
    }
    return window;
  }

  /** The compression ratio; where 0 or nothing is given, the default. */
  int ratio(int defaultRatio) {
    ratio = given.ratio() == 0 ? defaultRatio : given.ratio();
    if (ratio < 2) {
      throw PolicyErrors.outOfRange(policy, "compression ratio", ratio, "at least 2");
    }
    return ratio;
  }

  /** A whole number. */
  int number(String option, int defaultValue, int least, int most) {
    String text = text(option, Integer.toString(defaultValue));
    try {
      int value = Integer.parseInt(text);
      if (value >= least && value <= most) {
        effective.put(option, Integer.toString(value));
        return value;
      }
    } catch (NumberFormatException e) {
      // The same message as for a number out of range.
    }
    throw PolicyErrors.badOption(
        policy,
        option,
        text,
        most == Integer.MAX_VALUE
            ? "a whole number of at least " + least
            : "a whole number from " + least + " to " + most);
  }

  /** An odd number of neighbours. */
  int poolingKernelSize(int defaultSize) {
    String option = "pooling-kernel";
    String text = text(option, Integer.toString(defaultSize));
    try {
      int size = Integer.parseInt(text);
      if (size >= 1 && size <= RpcPolicy.MAX_POOLING_KERNEL && size % 2 == 1) {
        return size;
      }
    } catch (NumberFormatException e) {
      // The same message as for a number out of range.
    }
    throw PolicyErrors.badOption(
        policy, option, text, "an odd number from 1 (off) to " + RpcPolicy.MAX_POOLING_KERNEL);
  }

  /** A number with a fraction, from {@code least} to {@code most}, both allowed. */
  double decimal(String option, double defaultValue, double least, double most) {
    String text = text(option, Double.toString(defaultValue));
    try {
      double value = Double.parseDouble(text);
      if (value >= least && value <= most) {
        effective.put(option, Double.toString(value));
        return value;
      }
    } catch (NumberFormatException e) {
      // The same message as for a number out of range.
    }
    throw PolicyErrors.badOption(
        policy, option, text, "a number from %s to %s".formatted(least, most));
  }

  /** One of the values of an enum, written in lower case with dashes. */
  <E extends Enum<E>> E choice(String option, E defaultValue) {
    List<E> values = Arrays.asList(defaultValue.getDeclaringClass().getEnumConstants());
    String text = text(option, label(defaultValue));
    for (E value : values) {
      if (label(value).equals(text)) {
        return value;
      }
    }
    throw PolicyErrors.badOption(
        policy,
        option,
        text,
        String.join(" or ", values.stream().map(PolicyParameters::label).toList()));
  }

  /** A text that must be given. */
  String required(String option, String meaning) {
    String text = text(option, "");
    if (text.isEmpty()) {
      throw PolicyErrors.missingOption(policy, option, meaning);
    }
    return text;
  }

  /** Puts what an option was found to mean in place of what was given. */
  void inForce(String option, String value) {
    effective.put(option, value);
  }

  /** The settings in force; refuses what was given and not read. */
  KvPolicySettings settings() {
    for (String option : new TreeSet<>(given.options().keySet())) {
      if (!known.contains(option)) {
        throw PolicyErrors.unknownOption(policy, option, known);
      }
    }
    refuseUnread("interval", given.intervalTokens(), interval);
    refuseUnread("window", given.windowTokens(), window);
    refuseUnread("compression ratio", given.ratio(), ratio);
    if (!given.mode().isEmpty()) {
      throw PolicyErrors.badOption(policy, "mode", given.mode(), "left out");
    }
    return new KvPolicySettings(policy, interval, window, ratio, "", effective);
  }

  private void refuseUnread(String parameter, int value, int read) {
    if (value != 0 && read == 0) {
      throw PolicyErrors.unusedParameter(policy, parameter, value);
    }
  }

  private String text(String option, String defaultText) {
    known.add(option);
    String text = given.options().getOrDefault(option, defaultText).strip();
    effective.put(option, text);
    return text;
  }

  private static String atLeast(int least, String unit) {
    return "at least %d %s%s".formatted(least, unit, least == 1 ? "" : "s");
  }

  static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
