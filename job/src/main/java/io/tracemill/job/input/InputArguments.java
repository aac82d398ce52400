package io.tracemill.job.input;

import java.io.Serializable;
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
 */
public record InputArguments(
    String path,
    String format,
    Map<String, String> options,
    String idColumn,
    String promptColumn,
    String messagesColumn)
    implements Serializable {
  public InputArguments {
    options = java.util.Collections.unmodifiableMap(new TreeMap<>(options));
  }

  /** A path and nothing else. */
  public static InputArguments of(String path) {
    return new InputArguments(path, "", Map.of(), "", "", "");
  }

  /** The format that the user named. */
  public Optional<InputFormat> givenFormat() {
    return format.isEmpty() ? Optional.empty() : Optional.of(InputFormat.valueOf(format));
  }
}
