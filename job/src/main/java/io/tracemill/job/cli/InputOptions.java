package io.tracemill.job.cli;

import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputFormat;
import io.tracemill.job.input.RowParameter;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of the input. */
final class InputOptions {
  @Mixin private TableOptions table = new TableOptions();

  @Option(
      names = "--parameter-column",
      paramLabel = "NAME=COLUMN",
      description =
          "A column with a setting of each row's own: temperature, top-p, top-k, min-p,"
              + " repetition-penalty, max-new-tokens, seed, stop, samples or kv-policy. Where it is"
              + " null the run's setting holds. Repeatable.")
  private Map<String, String> parameterColumns = new LinkedHashMap<>();

  InputArguments arguments() {
    return table.arguments(parameters());
  }

  /** Whether rows may ask for a KV policy of their own. */
  boolean mayChooseKvPolicy() {
    return parameters().containsKey(RowParameter.KV_POLICY)
        || table.format().equals(InputFormat.OPENAI_BATCH.name());
  }

  private Map<RowParameter, String> parameters() {
    Map<RowParameter, String> parameters = new EnumMap<>(RowParameter.class);
    parameterColumns.forEach((name, column) -> parameters.put(RowParameter.of(name), column));
    return parameters;
  }
}
