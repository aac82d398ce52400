package io.tracemill.job.cli;

import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options of a command with the values in force, for the runs table. */
final class OptionValues {
  private OptionValues() {}

  /** Values by the options' long names without dashes; those without a value are left out. */
  static Map<String, String> of(CommandSpec spec) {
    Map<String, String> values = new TreeMap<>();
    for (OptionSpec option : spec.options()) {
      Object value = option.getValue();
      if (!option.usageHelp() && value != null) {
        values.put(option.longestName().substring(2), value.toString());
      }
    }
    return values;
  }
}
