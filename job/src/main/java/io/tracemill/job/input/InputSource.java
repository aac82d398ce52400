package io.tracemill.job.input;

import io.tracemill.job.error.InputErrors;
import java.io.IOException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Finds out whether an input is there and what format it has, without starting a Spark job. */
public final class InputSource {
  private InputSource() {}

  /**
   * The format of an existing input.
   *
   * @throws io.tracemill.job.error.JobException where nothing is there or the format is not known
   */
  public static InputFormat format(InputArguments arguments, Configuration hadoop) {
    try {
      Path path = new Path(arguments.path());
      FileSystem files = path.getFileSystem(hadoop);
      FileStatus[] found = files.globStatus(path);
      if (found == null || found.length == 0) {
        throw InputErrors.noInput(arguments.path());
      }
      Optional<InputFormat> format = arguments.givenFormat().or(() -> sniff(files, found[0]));
      return format.orElseThrow(() -> InputErrors.unknownFormat(arguments.path()));
    } catch (IOException | IllegalArgumentException e) {
      throw InputErrors.unreadableInput(arguments.path(), "a path", e);
    }
  }

  private static Optional<InputFormat> sniff(FileSystem files, FileStatus found) {
    try {
      if (found.isFile()) {
        return InputFormat.ofFile(found.getPath().getName());
      }
      if (files.exists(new Path(found.getPath(), "_delta_log"))) {
        return Optional.of(InputFormat.DELTA);
      }
      for (FileStatus child : files.listStatus(found.getPath())) {
        String name = child.getPath().getName();
        if (child.isFile() && !name.startsWith("_") && !name.startsWith(".")) {
          return InputFormat.ofFile(name);
        }
      }
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
