package io.tracemill.udf.host;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Locale;

/** What a file system complained of, as words for a sentence. */
public final class FileFaults {
  private FileFaults() {}

  /** The reason without a period; Java often says it by the exception's type alone. */
  public static String reason(IOException fault) {
    if (fault instanceof FileSystemException known) {
      String why = known.getReason() == null ? words(known) : known.getReason();
      return why.toLowerCase(Locale.ROOT) + " (" + known.getFile() + ")";
    }
    String message =
        fault.getMessage() == null ? fault.getClass().getSimpleName() : fault.getMessage();
    String line = message.lines().findFirst().orElse(message).strip();
    return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
  }

  /** {@code AccessDeniedException} as {@code access denied}. */
  private static String words(FileSystemException fault) {
    return fault
        .getClass()
        .getSimpleName()
        .replaceFirst("Exception$", "")
        .replaceAll("(?<=[a-z])(?=[A-Z])", " ");
  }
}
