package io.tracemill.job.cli;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputFormat;
import io.tracemill.job.input.RowParameter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of a table of prompts. */
final class TableOptions {
  @Option(
      names = "--input",
      required = true,
      paramLabel = "PATH",
      description = "File, folder or glob of prompts, on any file system that Spark knows.")
  private String input;

  @Option(
      names = "--input-format",
      paramLabel = "FORMAT",
      description =
          "auto, jsonl, openai-batch (requests for chat completions), json, parquet, delta, csv or"
              + " text. Default: auto, by the name.")
  private String inputFormat = "auto";

  @Option(
      names = "--input-option",
      paramLabel = "KEY=VALUE",
      description = "Passed to Spark's reader, such as sep=; for CSV. Repeatable.")
  private Map<String, String> inputOptions = new LinkedHashMap<>();

  @Option(
      names = "--id-column",
      paramLabel = "NAME",
      description = "The row key. Default: id where there is one, else a hash of the row.")
  private String idColumn = "";

  @Option(
      names = "--prompt-column",
      paramLabel = "NAME",
      description = "Text of one user turn. Default: prompt.")
  private String promptColumn = "";

  @Option(
      names = "--messages-column",
      paramLabel = "NAME",
      description =
          "Conversations, as an array of structs with role and content. Default: messages, where"
              + " there is no prompt column.")
  private String messagesColumn = "";

  /** What the options say, with columns of settings of each row's own. */
  InputArguments arguments(Map<RowParameter, String> parameterColumns) {
    if (!promptColumn.isEmpty() && !messagesColumn.isEmpty()) {
      throw JobErrors.together("--prompt-column", "--messages-column");
    }
    return new InputArguments(
        input,
        format(),
        inputOptions,
        idColumn,
        promptColumn,
        messagesColumn,
        parameterColumns,
        List.of());
  }

  /** The name of an {@link InputFormat}; empty to tell it from the path. */
  String format() {
    return inputFormat.equalsIgnoreCase("auto")
        ? ""
        : Choices.of("--input-format", inputFormat, InputFormat.class)
            .name()
            .toUpperCase(Locale.ROOT);
  }
}
