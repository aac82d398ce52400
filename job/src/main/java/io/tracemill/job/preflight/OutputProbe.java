package io.tracemill.job.preflight;

import io.tracemill.job.error.OutputErrors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;

/**
 * Whether a folder can be written, found out without leaving anything behind. HDFS is asked for
 * permission; a local folder and an object store, which answer only by doing, get an empty folder
 * or object that is removed at once.
 */
final class OutputProbe {
  /** Schemes whose {@code access} is answered by the store that holds the permissions. */
  private static final Set<String> ANSWERS_ACCESS = Set.of("hdfs", "viewfs", "webhdfs", "swebhdfs");

  private OutputProbe() {}

  /**
   * Checks the nearest folder above that exists.
   *
   * @return one phrase about where was looked
   * @throws io.tracemill.job.error.JobException where it cannot be written
   */
  static String check(String folder, Configuration hadoop) {
    try {
      Path path = new Path(folder);
      FileSystem files = path.getFileSystem(hadoop);
      Path existing = nearest(files, path.makeQualified(files.getUri(), files.getHomeDirectory()));
      if (files.getScheme().equals("file")) {
        return local(java.nio.file.Path.of(existing.toUri().getPath()));
      }
      if (ANSWERS_ACCESS.contains(files.getScheme())) {
        files.access(existing, FsAction.WRITE_EXECUTE);
        return existing + " may be written";
      }
      return tried(files, existing);
    } catch (IOException | IllegalArgumentException e) {
      throw OutputErrors.unwritableOutput(folder, e);
    }
  }

  private static Path nearest(FileSystem files, Path path) throws IOException {
    for (Path each = path; each != null; each = each.getParent()) {
      if (files.exists(each)) {
        FileStatus status = files.getFileStatus(each);
        if (!status.isDirectory()) {
          throw new IOException(each + " is a file, not a folder.");
        }
        return each;
      }
    }
    throw new IOException("no folder above it exists.");
  }

  /** Permissions alone do not tell: root may write where the kernel lets nobody. */
  private static String local(java.nio.file.Path folder) throws IOException {
    FileTime changed = Files.getLastModifiedTime(folder);
    try {
      Files.delete(Files.createTempDirectory(folder, ".tracemill-preflight-"));
    } catch (IOException e) {
      throw new IOException(
          "%s may not be written by %s; give another folder or change its permissions."
              .formatted(folder, System.getProperty("user.name")));
    }
    try {
      Files.setLastModifiedTime(folder, changed);
    } catch (IOException e) {
      // Somebody else's folder that we may write in; only its time has changed.
    }
    long freeBytes = Files.getFileStore(folder).getUsableSpace();
    return "%s may be written, %,d GB are free".formatted(folder, freeBytes >> 30);
  }

  private static String tried(FileSystem files, Path existing) throws IOException {
    Path probe = new Path(existing, ".tracemill-preflight-" + UUID.randomUUID());
    try {
      files.create(probe, false).close();
    } finally {
      files.delete(probe, false);
    }
    return existing + " was written and cleaned";
  }
}
