package io.tracemill.job.eval;

import io.tracemill.job.error.EvalErrors;
import java.util.ArrayList;
import java.util.List;

/**
 * A policy whose parameters may have alternatives: {@code snapkv rows=256|512 interval=64|128}
 * stands for four policies.
 */
final class PolicySweep {
  private PolicySweep() {}

  /**
   * The policies that a text stands for, the last alternatives changing fastest.
   *
   * @throws io.tracemill.job.error.JobException where an alternative is empty
   */
  static List<String> expand(String text) {
    List<String> texts = List.of("");
    for (String word : text.strip().split("[\\s,;]+")) {
      int at = word.indexOf('=');
      String name = at < 0 ? "" : word.substring(0, at + 1);
      List<String> longer = new ArrayList<>();
      for (String start : texts) {
        for (String value : word.substring(at + 1).split("\\|", -1)) {
          if (value.isEmpty() && word.contains("|")) {
            throw EvalErrors.emptyAlternative(text.strip());
          }
          longer.add(start.isEmpty() ? name + value : start + " " + name + value);
        }
      }
      texts = longer;
    }
    return texts;
  }
}
