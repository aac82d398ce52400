package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.output.Export;
import io.tracemill.job.output.OutputFormat;
import java.util.EnumSet;
import java.util.Set;

/**
 * What {@code --output-format} names: a format of the tables, exports beside them, or both.
 *
 * @param format of the tables; Delta where only exports are named
 * @param exports what is written beside them
 */
record OutputChoice(OutputFormat format, Set<Export> exports) {
  private static final String OPTION = "--output-format";

  OutputChoice {
    exports = Set.copyOf(exports);
  }

  static OutputChoice parse(String text) {
    OutputFormat format = null;
    Set<Export> exports = EnumSet.noneOf(Export.class);
    for (String word : text.split(",", -1)) {
      String name = word.strip();
      if (name.equalsIgnoreCase(Choices.label(Export.OPENAI_BATCH))) {
        exports.add(Export.OPENAI_BATCH);
      } else if (format == null && isFormat(name)) {
        format = Choices.of(OPTION, name, OutputFormat.class);
      } else {
        throw JobErrors.outOfRange(
            OPTION,
            "'" + text + "'",
            "delta or parquet, openai-batch, or one of each with a comma");
      }
    }
    return new OutputChoice(format == null ? OutputFormat.DELTA : format, exports);
  }

  private static boolean isFormat(String name) {
    for (OutputFormat format : OutputFormat.values()) {
      if (Choices.label(format).equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }
}
