package io.tracemill.udf.table;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The small files that say what belongs to a table: announcements and claims of writers, manifests
 * of waves. A file's content never changes, and no name comes back after it was deleted; so what is
 * read between two lists, of which the second shows nothing new, is what was there at one moment.
 */
final class WaveLog {
  private static final String ANNOUNCED = ".announced";
  private static final String CLAIM = ".claim";
  private static final String MANIFEST = ".json";

  /** A claim, a wave or a clearing up may come between two lists; five in a row do not. */
  private static final int READ_ATTEMPTS = 5;

  private final FileSystem files;
  private final Path folder;

  WaveLog(FileSystem files, Path folder) {
    this.files = files;
    this.folder = folder;
  }

  /** The claim that holds; empty where there is no table yet. */
  Optional<WaveClaim> claim() throws IOException {
    return settled(this::claim);
  }

  private Optional<WaveClaim> claim(TreeSet<String> names) throws IOException {
    Optional<String> newest = last(names, CLAIM);
    return newest.isPresent()
        ? Optional.of(WaveClaim.ofJson(content(newest.get())))
        : Optional.empty();
  }

  /** The largest number under which a writer has announced itself or claimed. */
  OptionalLong newest() throws IOException {
    return settled(
        names ->
            names.stream()
                .filter(name -> name.endsWith(ANNOUNCED) || name.endsWith(CLAIM))
                .mapToLong(WaveLog::writer)
                .max());
  }

  /** The run of the largest number; empty where there is none, or where it does not say. */
  Optional<String> holder() throws IOException {
    return settled(
        names -> {
          Optional<WaveClaim> claim = claim(names);
          Optional<String> announced = last(names, ANNOUNCED);
          if (announced.isPresent()
              && writer(announced.get()) > claim.map(WaveClaim::writer).orElse(-1L)) {
            return Optional.of(new String(content(announced.get()), UTF_8));
          }
          return claim.map(WaveClaim::run).filter(run -> !run.isEmpty());
        });
  }

  /** The claim that holds and the waves that count under it. */
  WaveSnapshot snapshot() throws IOException {
    return settled(
        names -> {
          Optional<WaveClaim> claim = claim(names);
          TreeMap<String, ParquetWave> waves = new TreeMap<>();
          if (claim.isPresent()) {
            for (String name : names) {
              if (name.endsWith(MANIFEST)) {
                ParquetWave wave = ParquetWave.ofJson(content(name));
                if (claim.get().counts(wave)) {
                  waves.put(wave.id(), wave);
                }
              }
            }
          }
          for (ParquetWave wave : Set.copyOf(waves.values())) {
            wave.supersedes().forEach(waves::remove);
          }
          return new WaveSnapshot(claim, List.copyOf(waves.values()));
        });
  }

  /**
   * Shuts out all writers of smaller numbers.
   *
   * @return false where another writer has this number or a larger one, so that nothing was done;
   *     of two that announce the same number at the same moment at least one is told so, maybe both
   */
  boolean announce(long writer, String run) throws IOException {
    String own = number(writer) + "-" + UUID.randomUUID() + ANNOUNCED;
    publish(own, run.getBytes(UTF_8));
    boolean first =
        settled(
            names ->
                names.stream()
                    .filter(name -> !name.endsWith(MANIFEST) && !name.equals(own))
                    .allMatch(name -> writer(name) < writer));
    if (!first) {
      delete(own);
    }
    return first;
  }

  /** Makes a claim hold whose writer has announced itself. */
  void publish(WaveClaim claim) throws IOException {
    publish(number(claim.writer()) + CLAIM, claim.toJson());
  }

  /**
   * @throws IOException also where a wave of this id is there
   */
  void publish(ParquetWave wave) throws IOException {
    publish(wave.id() + MANIFEST, wave.toJson());
  }

  void withdraw(ParquetWave wave) throws IOException {
    delete(wave.id() + MANIFEST);
  }

  /** Deletes what a claim that holds has made meaningless. */
  void clean(long claim) throws IOException {
    Set<String> live = snapshot().ids();
    for (String name : names()) {
      boolean ended =
          name.endsWith(MANIFEST)
              ? writer(name) <= claim && !live.contains(name.replace(MANIFEST, ""))
              : writer(name) < claim;
      if (ended) {
        delete(name);
      }
    }
  }

  private static String number(long writer) {
    return String.format(Locale.ROOT, "%016d", writer);
  }

  private static long writer(String name) {
    return Long.parseLong(name.split("[-.]")[0]);
  }

  private static Optional<String> last(TreeSet<String> names, String ending) {
    return names.descendingSet().stream().filter(name -> name.endsWith(ending)).findFirst();
  }

  /** Numbers have leading zeros, so the order of names is that of writers. */
  private TreeSet<String> names() throws IOException {
    TreeSet<String> names = new TreeSet<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        String name = file.getPath().getName();
        if (Character.isDigit(name.charAt(0))
            && (name.endsWith(ANNOUNCED) || name.endsWith(CLAIM) || name.endsWith(MANIFEST))) {
          names.add(name);
        }
      }
    } catch (FileNotFoundException e) {
      return names; // No table yet.
    }
    return names;
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

  private void delete(String name) throws IOException {
    files.delete(new Path(folder, name), false);
  }

  private interface Reading<T> {
    T of(TreeSet<String> names) throws IOException;
  }

  /**
   * Reads until no file was added meanwhile. One that was deleted is made up for by one that was
   * added before, or says nothing.
   */
  private <T> T settled(Reading<T> reading) throws IOException {
    IOException last = new IOException(folder + " changes all the time; try again.");
    for (int attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
      TreeSet<String> names = names();
      try {
        T read = reading.of(names);
        if (names.containsAll(names())) {
          return read;
        }
      } catch (FileNotFoundException e) {
        last = e; // Deleted since it was listed.
      }
    }
    throw last;
  }
}
