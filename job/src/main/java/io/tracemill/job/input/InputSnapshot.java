package io.tracemill.job.input;

import io.tracemill.job.error.InputErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;

/** Which state of an input a run has read, without reading its rows. */
public final class InputSnapshot {
  private static final int HASH_CHARACTERS = 32;

  private InputSnapshot() {}

  /**
   * Such as {@code delta version 7}, or {@code 12 files, 3456 bytes, list 9af3...}: the hash is
   * over names, sizes and times of the files.
   */
  public static String of(InputArguments arguments, InputFormat format, Configuration hadoop) {
    try {
      Path path = new Path(arguments.path());
      FileSystem files = path.getFileSystem(hadoop);
      return format == InputFormat.DELTA ? deltaVersion(files, path) : fileList(files, path);
    } catch (IOException e) {
      throw InputErrors.unreadableInput(arguments.path(), format.label(), e);
    }
  }

  private static String deltaVersion(FileSystem files, Path table) throws IOException {
    long newest = -1;
    for (FileStatus file : files.listStatus(new Path(table, "_delta_log"))) {
      String name = file.getPath().getName();
      if (name.matches("\\d{20}\\.json")) {
        newest = Math.max(newest, Long.parseLong(name.substring(0, 20)));
      }
    }
    return "delta version " + newest;
  }

  private static String fileList(FileSystem files, Path path) throws IOException {
    TreeSet<String> lines = new TreeSet<>();
    long bytes = 0;
    FileStatus[] found = files.globStatus(path);
    for (FileStatus each : found == null ? new FileStatus[0] : found) {
      RemoteIterator<LocatedFileStatus> below = files.listFiles(each.getPath(), true);
      while (below.hasNext()) {
        LocatedFileStatus file = below.next();
        bytes += file.getLen();
        lines.add(file.getPath() + "\t" + file.getLen() + "\t" + file.getModificationTime() + "\n");
      }
    }
    return "%d files, %d bytes, list %s".formatted(lines.size(), bytes, hash(lines));
  }

  private static String hash(TreeSet<String> lines) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      lines.forEach(line -> digest.update(line.getBytes(StandardCharsets.UTF_8)));
      return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_CHARACTERS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
