package io.tracemill.udf.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Room on the disk of a folder. */
final class DiskSpace {
  /** Below this a failed write is put down to a full disk, whatever the message says. */
  private static final long NEXT_TO_NOTHING_BYTES = 1 << 20;

  private DiskSpace() {}

  /** Bytes that this user may still write; the largest long where nobody knows. */
  static long free(Path folder) {
    try {
      return Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }

  static boolean isExhausted(Path file, IOException failure) {
    String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    return message.contains("no space left")
        || message.contains("quota exceeded")
        || free(file.getParent()) < NEXT_TO_NOTHING_BYTES;
  }
}
