package io.tracemill.engine.compress;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.util.Collection;

/** The errors of policy settings; each is one sentence for the user who wrote them. */
final class PolicyErrors {
  private PolicyErrors() {}

  static ReasoningException unknownPolicy(String name, Collection<String> known) {
    return invalid(
        "KV policy '%s' is unknown; choose one of %s.".formatted(name, String.join(", ", known)));
  }

  static ReasoningException unknownMode(String policy, String mode, Collection<String> known) {
    return invalid(
        "KV policy %s has no mode '%s'; choose one of %s."
            .formatted(policy, mode, String.join(", ", known)));
  }

  static ReasoningException unknownOption(String policy, String option, Collection<String> known) {
    return invalid(
        known.isEmpty()
            ? "KV policy %s has no option '%s'; it takes none.".formatted(policy, option)
            : "KV policy %s has no option '%s'; its options are %s."
                .formatted(policy, option, String.join(", ", known)));
  }

  static ReasoningException badOption(String policy, String option, String value, String range) {
    return invalid(
        "Option %s of KV policy %s is '%s'; it must be %s."
            .formatted(option, policy, value, range));
  }

  static ReasoningException outOfRange(String policy, String parameter, int value, String range) {
    return invalid(
        "The %s of KV policy %s is %d; it must be %s.".formatted(parameter, policy, value, range));
  }

  static ReasoningException missingOption(String policy, String option, String meaning) {
    return invalid("KV policy %s needs option %s: %s.".formatted(policy, option, meaning));
  }

  static ReasoningException noRoom(String policy, int rows, int sinks, int window) {
    return invalid(
        ("Option rows of KV policy %s is %d; it must be more than the %d sinks and the window of %d"
                + " tokens, which always stay.")
            .formatted(policy, rows, sinks, window));
  }

  static ReasoningException queriesBeyondInterval(String policy, int queries, int interval) {
    return invalid(
        ("KV policy %s reads the newest %d queries but compresses every %d tokens; make the interval"
                + " at least as long.")
            .formatted(policy, queries, interval));
  }

  static ReasoningException notDivisible(String policy, int intervalTokens, int ratio) {
    return invalid(
        ("The interval of KV policy %s, %d tokens, is not divisible by the compression ratio %d;"
                + " choose a multiple such as %d.")
            .formatted(policy, intervalTokens, ratio, nearestMultiple(intervalTokens, ratio)));
  }

  static ReasoningException windowTooWide(String policy, int windowTokens, int intervalTokens) {
    return invalid(
        ("The window of KV policy %s is %d tokens; it must be smaller than the interval of %d"
                + " tokens.")
            .formatted(policy, windowTokens, intervalTokens));
  }

  static ReasoningException unusedParameter(String policy, String parameter, int value) {
    return invalid(
        "KV policy %s has no %s, but %d was given; leave it out or choose another policy."
            .formatted(policy, parameter, value));
  }

  private static long nearestMultiple(int value, int divisor) {
    return Math.max(1L, Math.round((double) value / divisor)) * divisor;
  }

  static ReasoningException unreadableCalibration(String file, String reason) {
    return invalid("The query calibration %s cannot be used: %s.".formatted(file, reason));
  }

  static ReasoningException unaddableQuery(int layer, int head, double modulus) {
    return new ReasoningException(
        ErrorCode.INTERNAL,
        ("A query of layer %d, head %d has a pair of modulus %s, so that no mean can be formed; the"
                + " model's weights or a text are not sound.")
            .formatted(layer, head, modulus));
  }

  private static ReasoningException invalid(String message) {
    return new ReasoningException(ErrorCode.INVALID_ARGUMENT, message);
  }
}
