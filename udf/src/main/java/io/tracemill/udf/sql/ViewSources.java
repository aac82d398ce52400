package io.tracemill.udf.sql;

import java.util.Objects;
import java.util.Optional;

/**
 * Where views read from.
 *
 * @param traces a table's name, or a path, which holds a slash
 * @param runs likewise
 * @param gold an SQL expression over a row of traces that gives its gold answer, such as {@code
 *     input.solution}; empty for {@code input.answer} where there is one
 */
public record ViewSources(String traces, String runs, Optional<String> gold) {
  public ViewSources {
    Objects.requireNonNull(traces, "traces");
    Objects.requireNonNull(runs, "runs");
    Objects.requireNonNull(gold, "gold");
  }

  /** The two tables of an output folder. */
  public static ViewSources ofFolder(String outputFolder) {
    String folder = outputFolder.endsWith("/") ? outputFolder : outputFolder + "/";
    // A relative name without a slash is still a folder here.
    return new ViewSources(folder + "traces", folder + "runs", Optional.empty());
  }

  /** The same tables with answers graded against {@code expression}. */
  public ViewSources gradedBy(String expression) {
    return new ViewSources(traces, runs, Optional.of(expression));
  }
}
