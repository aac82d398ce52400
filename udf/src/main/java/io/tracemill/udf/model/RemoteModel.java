package io.tracemill.udf.model;

import io.tracemill.engine.EngineOptions.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** A checkpoint's folder on a file system of Hadoop, listed once when it is opened. */
public final class RemoteModel implements AutoCloseable {
  private static final int SNAPSHOT_CHARACTERS = 16;

  private final String uri;
  private final Weights weights;
  private final FileSystem fileSystem;
  private final Path folder;
  private final List<ModelFile> files;

  private RemoteModel(String uri, Weights weights, FileSystem fileSystem) throws IOException {
    this.uri = uri;
    this.weights = weights;
    this.fileSystem = fileSystem;
    this.folder = new Path(uri);
    this.files = list();
  }

  /**
   * Lists a model.
   *
   * @param model a URI of any file system that Hadoop knows, or a {@link ModelReference}
   * @param hadoop credentials and file systems
   * @throws io.tracemill.engine.error.ReasoningException where it is not there, may not be read, is
   *     no checkpoint, or is in another state than the reference says
   */
  public static RemoteModel open(String model, Weights weights, Configuration hadoop) {
    Optional<ModelReference> reference = ModelReference.parse(model);
    String uri = reference.map(ModelReference::uri).orElse(model);
    RemoteModel opened = list(uri, weights, hadoop);
    if (reference.isPresent() && !reference.get().snapshot().equals(opened.snapshot())) {
      opened.close();
      throw ModelErrors.changed(uri, "its files have other sizes or dates");
    }
    return opened;
  }

  private static RemoteModel list(String uri, Weights weights, Configuration hadoop) {
    FileSystem fileSystem = null;
    RemoteModel opened = null;
    try {
      // An instance of its own: a cached one would keep the settings of whoever asked first.
      fileSystem = FileSystem.newInstance(new Path(uri).toUri(), hadoop);
      opened = new RemoteModel(uri, weights, fileSystem);
      return opened;
    } catch (IOException e) {
      throw ModelErrors.unreadable(uri, e);
    } catch (io.tracemill.engine.error.ReasoningException e) {
      throw e;
    } catch (RuntimeException e) { // Missing classes and unknown hosts come as such.
      throw ModelErrors.unreadable(uri, e);
    } finally {
      if (opened == null) {
        close(fileSystem);
      }
    }
  }

  /** The folder as the user wrote it. */
  public String uri() {
    return uri;
  }

  /** The folder's own name. */
  public String name() {
    String name = folder.getName();
    return name.isEmpty() ? "model" : name.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  /** The files that an engine reads, in the order of their names. */
  public List<ModelFile> files() {
    return files;
  }

  /**
   * Names the state of all needed files: 16 hexadecimal digits over names, sizes and checksums, or
   * dates where the file system gives no checksums.
   */
  public String snapshot() {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
    files.forEach(file -> digest.update((file.identity() + "\n").getBytes(StandardCharsets.UTF_8)));
    return HexFormat.of().formatHex(digest.digest()).substring(0, SNAPSHOT_CHARACTERS);
  }

  /** What travels to executors. */
  public ModelReference reference() {
    return new ModelReference(uri, snapshot());
  }

  /** The first bytes of a file, at most so many. */
  public byte[] head(ModelFile file, int bytes) {
    try (InputStream in = open(file)) {
      return in.readNBytes(bytes);
    } catch (IOException e) {
      throw ModelErrors.unreadable(uri + "/" + file.name(), e);
    }
  }

  InputStream open(ModelFile file) throws IOException {
    return fileSystem.open(new Path(folder, file.name()));
  }

  /** Refuses files that were replaced while they were copied. */
  void requireUnchanged() {
    List<ModelFile> now;
    try {
      now = list();
    } catch (IOException e) {
      throw ModelErrors.unreadable(uri, e);
    }
    for (int i = 0; i < files.size(); i++) {
      if (i >= now.size() || !now.get(i).identity().equals(files.get(i).identity())) {
        throw ModelErrors.changed(uri, files.get(i).name());
      }
    }
  }

  private List<ModelFile> list() throws IOException {
    if (!fileSystem.getFileStatus(folder).isDirectory()) {
      throw ModelErrors.noFolder(uri);
    }
    Map<String, FileStatus> present = new TreeMap<>();
    for (FileStatus status : fileSystem.listStatus(folder)) {
      if (status.isFile()) {
        present.put(status.getPath().getName(), status);
      }
    }
    List<ModelFile> listed = new ArrayList<>();
    for (String name : CheckpointFiles.needed(uri, present.keySet(), weights, this::readWhole)) {
      FileStatus status = present.get(name);
      listed.add(
          new ModelFile(name, status.getLen(), status.getModificationTime(), checksum(status)));
    }
    return List.copyOf(listed);
  }

  private byte[] readWhole(String name) {
    try (InputStream in = fileSystem.open(new Path(folder, name))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw ModelErrors.unreadable(uri + "/" + name, e);
    }
  }

  private Optional<ModelFile.FileChecksum> checksum(FileStatus status) throws IOException {
    try {
      FileChecksum checksum = fileSystem.getFileChecksum(status.getPath());
      return checksum == null
          ? Optional.empty()
          : Optional.of(
              new ModelFile.FileChecksum(
                  checksum.getAlgorithmName(), HexFormat.of().formatHex(checksum.getBytes())));
    } catch (UnsupportedOperationException e) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    close(fileSystem);
  }

  private static void close(FileSystem fileSystem) {
    if (fileSystem != null) {
      try {
        fileSystem.close();
      } catch (IOException e) {
        // Nothing was written.
      }
    }
  }
}
