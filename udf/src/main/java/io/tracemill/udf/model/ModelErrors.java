package io.tracemill.udf.model;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.host.FileFaults;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.hadoop.fs.UnsupportedFileSystemException;
import org.apache.hadoop.security.AccessControlException;

/** Every sentence about a model that cannot be brought to this host. */
final class ModelErrors {
  private ModelErrors() {}

  static ReasoningException missingFile(String model, String file) {
    return invalid(
        "--model %s has no %s; give the folder of a Hugging Face checkpoint."
            .formatted(model, file));
  }

  static ReasoningException noLocalFolder(String model) {
    return invalid(
        "The model %s is no folder on the driver; give one that is the same on every host, or a URI."
            .formatted(model));
  }

  static ReasoningException missingShard(String model, String shard, String index) {
    return invalid(
        "--model %s has no %s, which its %s names; complete the folder."
            .formatted(model, shard, index));
  }

  static ReasoningException badIndex(String model, String index, String why, Throwable cause) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "%s of --model %s cannot be read: %s.".formatted(index, model, withoutPeriod(why)),
        cause);
  }

  static ReasoningException noFolder(String model) {
    return invalid("--model %s is a file; give the folder that it lies in.".formatted(model));
  }

  static ReasoningException changed(String model, String what) {
    return invalid(
        "--model %s has changed since the run began (%s); leave it alone and start the run again."
            .formatted(model, what));
  }

  /** A file that is not what its file system said it would be. */
  static ReasoningException damaged(String model, String file, String how) {
    return invalid(
        "The copy of %s from --model %s is damaged (%s); try again, and check the file if it stays"
                .formatted(file, model, how)
            + " so.");
  }

  static ReasoningException diskFull(String model, long needed, Path folder, long free) {
    return invalid(
        "--model %s needs %s, but the model cache %s has %s left; free some or name another folder"
                .formatted(model, size(needed), folder, size(free))
            + " with --model-cache.");
  }

  static ReasoningException unusableCache(Path folder, IOException cause) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "The model cache %s cannot be used: %s; name another folder with --model-cache."
            .formatted(folder, reason(cause)),
        cause);
  }

  static ReasoningException interrupted(String model) {
    return invalid("The copy of --model %s was interrupted.".formatted(model));
  }

  /** What a file system answered instead of the model. */
  static ReasoningException unreadable(String model, Exception cause) {
    return new ReasoningException(ErrorCode.INVALID_CHECKPOINT, answer(model, cause), cause);
  }

  private static String answer(String model, Exception cause) {
    if (cause instanceof FileNotFoundException || cause instanceof NoSuchFileException) {
      return "--model %s does not exist.".formatted(model);
    }
    if (cause instanceof AccessControlException || cause instanceof AccessDeniedException) {
      return "--model %s may not be read by %s; ask for permission or check the credentials."
          .formatted(model, System.getProperty("user.name"));
    }
    if (cause instanceof UnsupportedFileSystemException || isMissingClass(cause)) {
      return "--model %s: Spark knows no file system %s:; add its jar (for s3a the package hadoop-aws) or copy the model."
          .formatted(model, model.substring(0, model.indexOf(':')));
    }
    return "--model %s cannot be read: %s.".formatted(model, reason(cause));
  }

  private static boolean isMissingClass(Throwable thrown) {
    for (Throwable each = thrown; each != null; each = each.getCause()) {
      if (each instanceof ClassNotFoundException) {
        return true;
      }
    }
    return false;
  }

  private static String reason(Exception cause) {
    if (cause instanceof IOException fault) {
      return FileFaults.reason(fault);
    }
    String message =
        cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    return withoutPeriod(message.lines().findFirst().orElse(message).strip());
  }

  private static String withoutPeriod(String text) {
    return text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
  }

  /** A size for people. */
  static String size(long bytes) {
    return bytes < 10_000_000
        ? String.format(Locale.ROOT, "%,d bytes", bytes)
        : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
  }

  private static ReasoningException invalid(String message) {
    return new ReasoningException(ErrorCode.INVALID_CHECKPOINT, message);
  }
}
