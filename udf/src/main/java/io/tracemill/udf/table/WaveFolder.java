package io.tracemill.udf.table;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The Parquet files in a table's folder and on their way there, whether or not they belong to it.
 */
final class WaveFolder {
  private static final String WRITING = "_writing";
  private static final Pattern FILE = Pattern.compile("wave-(\\d+)-\\d+-\\d+\\.parquet");

  private final FileSystem files;
  private final Path table;

  WaveFolder(FileSystem files, Path table) {
    this.files = files;
    this.table = table;
  }

  /** A folder for rows of a writer on their way. */
  Path writing(long writer, String name) {
    return new Path(new Path(table, WRITING), String.format(Locale.ROOT, "%016d-%s", writer, name));
  }

  /**
   * Moves the Parquet files of a folder up, all or none.
   *
   * @param wave its id
   * @return their new names
   */
  List<String> bring(Path written, String wave) throws IOException {
    List<String> names = new ArrayList<>();
    try {
      for (Path part : parquetFiles(written)) {
        String name = String.format(Locale.ROOT, "wave-%s-%05d.parquet", wave, names.size());
        names.add(name);
        if (!files.rename(part, new Path(table, name))) {
          throw new IOException(new Path(table, name) + " cannot be written.");
        }
      }
      return names;
    } catch (IOException e) {
      delete(names);
      throw e;
    }
  }

  private List<Path> parquetFiles(Path folder) throws IOException {
    List<Path> parts = new ArrayList<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        if (file.getPath().getName().endsWith(".parquet")) {
          parts.add(file.getPath());
        }
      }
    } catch (FileNotFoundException e) {
      throw new IOException(folder + " is gone before it was committed.", e);
    }
    parts.sort(Comparator.comparing(Path::getName));
    return parts;
  }

  void delete(Collection<String> names) throws IOException {
    for (String name : names) {
      files.delete(new Path(table, name), false);
    }
  }

  /** Names and bytes of the files that look like a wave's, in order. */
  Map<String, Long> sizes() throws IOException {
    Map<String, Long> sizes = new TreeMap<>();
    for (FileStatus file : files.listStatus(table)) {
      if (FILE.matcher(file.getPath().getName()).matches()) {
        sizes.put(file.getPath().getName(), file.getLen());
      }
    }
    return sizes;
  }

  /** Deletes all files up to a writer's but some, and what was on its way. */
  void clean(Set<String> live, long writer) throws IOException {
    for (String name : sizes().keySet()) {
      Matcher file = FILE.matcher(name);
      // Should a later claim come at this moment, its files are not ours to delete.
      if (!live.contains(name) && file.matches() && Long.parseLong(file.group(1)) <= writer) {
        files.delete(new Path(table, name), false);
      }
    }
    Path writing = new Path(table, WRITING);
    if (files.exists(writing)) {
      for (FileStatus folder : files.listStatus(writing)) {
        if (Long.parseLong(folder.getPath().getName().split("-")[0]) <= writer) {
          files.delete(folder.getPath(), true);
        }
      }
      if (files.listStatus(writing).length == 0) {
        deleteEmpty(writing);
      }
    }
  }

  private void deleteEmpty(Path writing) throws IOException {
    try {
      files.delete(writing, false);
    } catch (IOException e) {
      if (files.listStatus(writing).length == 0) {
        throw e;
      } // Else another writer has begun to write there.
    }
  }

  /** See {@link ParquetWaves#lastMoveMillis}. */
  long lastMoveMillis() throws IOException {
    long last = files.getFileStatus(table).getModificationTime();
    for (FileStatus file : files.listStatus(table)) {
      last = Math.max(last, file.getModificationTime());
    }
    return last;
  }
}
