package io.tracemill.udf.table;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** The small files that say what belongs to a table: claims of writers, manifests of waves. */
final class WaveLog {
  private static final String CLAIM = ".claim";
  private static final String MANIFEST = ".json";

  /** A reader that lists while a writer clears up may find a name and no file: it looks again. */
  private static final int READ_ATTEMPTS = 5;

  private final FileSystem files;
  private final Path folder;

  WaveLog(FileSystem files, Path folder) {
    this.files = files;
    this.folder = folder;
  }

  /** The claim that holds; empty where there is no table yet. */
  Optional<WaveClaim> claim() throws IOException {
    return settled(
        () -> {
          Optional<String> newest = names(CLAIM).stream().max(Comparator.naturalOrder());
          return newest.isPresent()
              ? Optional.of(WaveClaim.ofJson(content(newest.get())))
              : Optional.empty();
        });
  }

  /** The waves that count under the claim that holds, in order. */
  List<ParquetWave> waves() throws IOException {
    return settled(
        () -> {
          Optional<WaveClaim> claim = claim();
          TreeMap<String, ParquetWave> waves = new TreeMap<>();
          for (String name : claim.isEmpty() ? List.<String>of() : names(MANIFEST)) {
            ParquetWave wave = ParquetWave.ofJson(content(name));
            if (claim.get().counts(wave)) {
              waves.put(wave.id(), wave);
            }
          }
          for (ParquetWave wave : List.copyOf(waves.values())) {
            wave.supersedes().forEach(waves::remove);
          }
          return List.copyOf(waves.values());
        });
  }

  /**
   * @throws IOException also where a claim of this number is there
   */
  void publish(WaveClaim claim) throws IOException {
    publish(String.format(Locale.ROOT, "%016d", claim.writer()) + CLAIM, claim.toJson());
  }

  /**
   * @throws IOException also where a wave of this id is there
   */
  void publish(ParquetWave wave) throws IOException {
    publish(wave.id() + MANIFEST, wave.toJson());
  }

  void withdraw(ParquetWave wave) throws IOException {
    files.delete(new Path(folder, wave.id() + MANIFEST), false);
  }

  /** Deletes claims and manifests up to a claim's that say nothing any more. */
  void clean(long claim) throws IOException {
    List<String> live = waves().stream().map(wave -> wave.id() + MANIFEST).toList();
    for (String name : names(MANIFEST)) {
      if (!live.contains(name) && writer(name) <= claim) {
        files.delete(new Path(folder, name), false);
      }
    }
    for (String name : names(CLAIM)) {
      if (writer(name) < claim) {
        files.delete(new Path(folder, name), false);
      }
    }
  }

  private static long writer(String name) {
    return Long.parseLong(name.split("[-.]")[0]);
  }

  private List<String> names(String ending) throws IOException {
    try {
      List<String> names = new ArrayList<>();
      for (FileStatus file : files.listStatus(folder)) {
        String name = file.getPath().getName();
        if (name.endsWith(ending) && Character.isDigit(name.charAt(0))) {
          names.add(name);
        }
      }
      return names;
    } catch (FileNotFoundException e) {
      return List.of();
    }
  }

  private byte[] content(String name) throws IOException {
    try (InputStream in = files.open(new Path(folder, name))) {
      return in.readAllBytes();
    }
  }

  /** A name appears with its whole content or not at all, and never twice. */
  private void publish(String name, byte[] content) throws IOException {
    Path whole = new Path(folder, name);
    Path part = new Path(folder, "part-" + name);
    try (FSDataOutputStream out = files.create(part, true)) {
      out.write(content);
    }
    if (files.exists(whole) || !files.rename(part, whole)) {
      throw new IOException(whole + " is there already or cannot be written.");
    }
  }

  private interface Reading<T> {
    T read() throws IOException;
  }

  private static <T> T settled(Reading<T> reading) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        return reading.read();
      } catch (FileNotFoundException e) {
        if (attempt == READ_ATTEMPTS) {
          throw e;
        }
      }
    }
  }
}
