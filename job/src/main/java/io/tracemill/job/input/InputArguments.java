package io.tracemill.job.input;

import io.tracemill.job.error.EvalErrors;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Where prompts come from. Empty strings stand for options that were not given.
 *
 * @param path a file, a folder or a glob on any file system that Spark knows
 * @param format empty to tell it from the path
 * @param options passed to Spark's reader, such as {@code sep} for CSV
 * @param idColumn the row key; not given: {@code id} where there is one, else the row's content
 * @param promptColumn text of one user turn; not given: {@code prompt} where there is one
 * @param messagesColumn conversations; not given: {@code messages} where there is no prompt
 * @param parameterColumns columns that hold a row's own settings; those of the variants among them
 * @param variants every row is asked once with each; empty for once with the run's settings
 */
public record InputArguments(
    String path,
    String format,
    Map<String, String> options,
    String idColumn,
    String promptColumn,
    String messagesColumn,
    Map<RowParameter, String> parameterColumns,
    List<RowVariant> variants)
    implements Serializable {
  public InputArguments {
    options = java.util.Collections.unmodifiableMap(new TreeMap<>(options));
    parameterColumns = java.util.Collections.unmodifiableMap(new TreeMap<>(parameterColumns));
    variants = List.copyOf(variants);
  }

  /** A path and nothing else. */
  public static InputArguments of(String path) {
    return new InputArguments(path, "", Map.of(), "", "", "", Map.of(), List.of());
  }

  /**
   * The same rows, each asked once with each variant.
   *
   * @throws io.tracemill.job.error.JobException where rows have one of the variants' settings of
   *     their own
   */
  public InputArguments withVariants(List<RowVariant> others) {
    Map<RowParameter, String> columns = new TreeMap<>(parameterColumns);
    for (RowVariant variant : others) {
      for (RowParameter parameter : variant.settings().keySet()) {
        String column = VariantRows.column(parameter);
        String before = columns.put(parameter, column);
        if (before != null && !before.equals(column)) {
          throw EvalErrors.ownSetting(parameter.label());
        }
      }
    }
    return new InputArguments(
        path, format, options, idColumn, promptColumn, messagesColumn, columns, others);
  }

  /** The same rows, each asked once. */
  public InputArguments withoutVariants() {
    return new InputArguments(
        path,
        format,
        options,
        idColumn,
        promptColumn,
        messagesColumn,
        givenParameterColumns(),
        List.of());
  }

  /** Columns of the source with settings of its rows: not those that variants bring along. */
  Map<RowParameter, String> givenParameterColumns() {
    Map<RowParameter, String> given = new TreeMap<>(parameterColumns);
    if (!variants.isEmpty()) {
      given.entrySet().removeIf(e -> e.getValue().equals(VariantRows.column(e.getKey())));
    }
    return given;
  }

  /** The format that the user named. */
  public Optional<InputFormat> givenFormat() {
    return format.isEmpty() ? Optional.empty() : Optional.of(InputFormat.valueOf(format));
  }
}
