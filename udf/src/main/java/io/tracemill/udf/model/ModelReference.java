package io.tracemill.udf.model;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on a remote file system in the very state in which the driver found it. Its text form
 * travels in place of a local folder; two references are equal only where the files are.
 *
 * @param uri the folder, such as {@code hdfs://nn/models/qwen3-8b}
 * @param snapshot names the state of its files, see {@link RemoteModel#snapshot}
 */
public record ModelReference(String uri, String snapshot) {
  private static final Pattern REMOTE = Pattern.compile("(?!file:)[A-Za-z][A-Za-z0-9+.-]+:.*");
  private static final Pattern FORM = Pattern.compile("(.+)#([0-9a-f]{16})");

  public ModelReference {
    Objects.requireNonNull(uri, "uri");
    Objects.requireNonNull(snapshot, "snapshot");
  }

  /** Whether a user's {@code --model} names another file system than the local one. */
  public static boolean isRemote(String model) {
    return REMOTE.matcher(model).matches();
  }

  /** Reads the text form; empty where it is no reference, such as a local folder. */
  public static Optional<ModelReference> parse(String text) {
    Matcher matcher = FORM.matcher(text);
    return isRemote(text) && matcher.matches()
        ? Optional.of(new ModelReference(matcher.group(1), matcher.group(2)))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return uri + "#" + snapshot;
  }
}
