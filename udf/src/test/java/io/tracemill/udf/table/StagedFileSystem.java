package io.tracemill.udf.table;

import java.io.IOException;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * The local file system as {@code staged:}, with something of a test's before every call. Moving
 * onto a name that is there overwrites it, as on some stores.
 */
public final class StagedFileSystem extends RawLocalFileSystem {
  private static final String KEY = "test.calls";
  private static final Map<String, Calls> STAGED = new ConcurrentHashMap<>();
  private final ThreadLocal<Boolean> inCall = ThreadLocal.withInitial(() -> false);
  private Calls calls;

  /** Is told of every call before it is made. */
  interface Calls {
    /** For a move {@code path} is where to. */
    void before(Path path) throws IOException;
  }

  /** Under which file systems are opened whose calls are told. */
  static Configuration configuration(Calls calls) {
    String name = Integer.toString(STAGED.size());
    STAGED.put(name, calls);
    Configuration hadoop = new Configuration(false);
    hadoop.set("fs.staged.impl", StagedFileSystem.class.getName());
    hadoop.setBoolean("fs.staged.impl.disable.cache", true);
    hadoop.set(KEY, name);
    return hadoop;
  }

  @Override
  public void initialize(URI uri, Configuration conf) throws IOException {
    super.initialize(uri, conf);
    calls = STAGED.get(conf.get(KEY));
  }

  @Override
  public URI getUri() {
    return URI.create("staged:///");
  }

  private interface Call<T> {
    T make() throws IOException;
  }

  /** What one call makes of others within is one call. */
  private <T> T telling(Path path, Call<T> call) throws IOException {
    if (inCall.get()) {
      return call.make();
    }
    calls.before(path);
    inCall.set(true);
    try {
      return call.make();
    } finally {
      inCall.set(false);
    }
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    return telling(path, () -> super.listStatus(path));
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return telling(path, () -> super.getFileStatus(path));
  }

  @Override
  public FSDataInputStream open(Path path, int bufferBytes) throws IOException {
    return telling(path, () -> super.open(path, bufferBytes));
  }

  @Override
  public FSDataOutputStream create(Path path, boolean overwrite) throws IOException {
    return telling(path, () -> super.create(path, overwrite));
  }

  /** The base class starts a process for it. */
  @Override
  public void setPermission(Path path, FsPermission permission) {}

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return telling(to, () -> super.rename(from, to));
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    return telling(path, () -> super.delete(path, recursive));
  }
}
