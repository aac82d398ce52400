package io.tracemill.job.length;

import io.tracemill.engine.EngineOptions;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.output.OutputTables;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.ml.length.TraceLengthModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.spark.sql.SparkSession;

/** Finds and opens length models. */
public final class LengthModels {
  private static final int HASH_CHARACTERS = 12;
  private static final int BUFFER_BYTES = 1 << 16;

  private LengthModels() {}

  /**
   * Refuses a path of the user's where no model lies; looks at names only.
   *
   * @throws io.tracemill.job.error.JobException where that is so
   */
  public static void requirePresent(LengthModelChoice choice, Configuration hadoop) {
    if (choice.kind() == LengthModelChoice.Kind.PATH) {
      requirePresent(choice.path(), hadoop);
    }
  }

  private static void requirePresent(String path, Configuration hadoop) {
    try {
      Path folder = new Path(path);
      FileSystem files = folder.getFileSystem(hadoop);
      if (!files.exists(folder)) {
        throw JobErrors.noLengthModel(path);
      }
      if (!files.exists(new Path(folder, "metadata"))) {
        throw JobErrors.badLengthModel(path, "it has no folder metadata", null);
      }
    } catch (IOException | IllegalArgumentException e) {
      throw JobErrors.badLengthModel(path, String.valueOf(e.getMessage()), e);
    }
  }

  /**
   * Opens the model of a run; empty where it has none.
   *
   * @throws io.tracemill.job.error.JobException where one is there and cannot be read, or was named
   *     and is not there
   */
  public static Optional<OpenLengthModel> open(
      SparkSession spark, LengthModelChoice choice, OutputTables output) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    if (choice.kind() == LengthModelChoice.Kind.NONE
        || choice.kind() == LengthModelChoice.Kind.AUTO
            && isMissing(choice.place(output), hadoop)) {
      return Optional.empty();
    }
    String path = choice.place(output);
    requirePresent(path, hadoop);
    try {
      TraceLengthModel model = TraceLengthModel.load(path);
      model.learned();
      return Optional.of(new OpenLengthModel(model, path, hash(path, hadoop)));
    } catch (Exception e) { // Spark's readers throw checked exceptions that they do not declare.
      String said = String.valueOf(e.getMessage()).lines().findFirst().orElse("").strip();
      throw JobErrors.badLengthModel(path, said.isEmpty() ? e.getClass().getSimpleName() : said, e);
    }
  }

  /**
   * What a person should know of a run's length model, a sentence each.
   *
   * @param lengths the model; empty where the run has none
   * @param modelId of the language model, name and hash
   */
  public static List<String> warnings(
      Optional<OpenLengthModel> lengths, String modelId, EngineSettings engine) {
    if (lengths.isEmpty()) {
      return engine.admission() == EngineOptions.Admission.EXPECTED
          ? List.of(
              "--admission expected has no length model to go by, so that every row counts with its"
                  + " whole budget, as with lookahead; see --length-model.")
          : List.of();
    }
    return lengths.get().warning(modelId).map(List::of).orElse(List.of());
  }

  private static boolean isMissing(String path, Configuration hadoop) {
    try {
      Path folder = new Path(path);
      return !folder.getFileSystem(hadoop).exists(folder);
    } catch (IOException | IllegalArgumentException e) {
      throw JobErrors.badLengthModel(path, String.valueOf(e.getMessage()), e);
    }
  }

  /** Of names and contents; the same wherever the folder lies. */
  private static String hash(String path, Configuration hadoop) throws IOException {
    Path folder = new Path(path);
    FileSystem files = folder.getFileSystem(hadoop);
    String root = files.makeQualified(folder).toUri().getPath();
    TreeMap<String, Path> sorted = new TreeMap<>();
    for (RemoteIterator<LocatedFileStatus> all = files.listFiles(folder, true); all.hasNext(); ) {
      Path file = all.next().getPath();
      sorted.put(file.toUri().getPath().substring(root.length()), file);
    }
    MessageDigest digest = sha256();
    byte[] buffer = new byte[BUFFER_BYTES];
    for (var file : sorted.entrySet()) {
      digest.update(file.getKey().getBytes(StandardCharsets.UTF_8));
      try (InputStream in = files.open(file.getValue())) {
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          digest.update(buffer, 0, read);
        }
      }
    }
    return HexFormat.of().formatHex(digest.digest()).substring(0, HASH_CHARACTERS);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
