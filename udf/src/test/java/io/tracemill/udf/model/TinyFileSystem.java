package io.tracemill.udf.model;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileChecksum;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.security.AccessControlException;
import org.apache.hadoop.util.Progressable;

/**
 * A second file system under the scheme {@code tiny}: reads a local folder and misbehaves on
 * demand. Every opened file is noted in a log, so that downloads of several processes can be
 * counted.
 *
 * <p>Keys: {@code tiny.log} (a file), {@code tiny.delay-millis} (per read), {@code tiny.cut} (bytes
 * that a stream gives at most), {@code tiny.checksums} ({@code right}, {@code wrong} or {@code
 * none}), {@code tiny.forbidden} (part of a path), {@code tiny.break} (an exception after so many
 * bytes).
 */
public final class TinyFileSystem extends FileSystem {
  static final URI ROOT = URI.create("tiny://host/");

  static Configuration configuration(java.nio.file.Path log) {
    Configuration hadoop = new Configuration(false);
    hadoop.set("fs.tiny.impl", TinyFileSystem.class.getName());
    hadoop.set("tiny.log", log.toString());
    return hadoop;
  }

  static String uri(java.nio.file.Path folder) {
    return "tiny://host" + folder.toAbsolutePath();
  }

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    setConf(conf);
  }

  @Override
  public String getScheme() {
    return "tiny";
  }

  @Override
  public URI getUri() {
    return ROOT;
  }

  private java.nio.file.Path local(Path path) throws IOException {
    String inside = path.toUri().getPath();
    String forbidden = getConf().get("tiny.forbidden", "");
    if (!forbidden.isEmpty() && inside.contains(forbidden)) {
      throw new AccessControlException("Permission denied: user=me, access=READ");
    }
    return java.nio.file.Path.of(inside);
  }

  @Override
  public FSDataInputStream open(Path path, int bufferSize) throws IOException {
    java.nio.file.Path file = local(path);
    Files.writeString(
        java.nio.file.Path.of(getConf().get("tiny.log")),
        file.getFileName() + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
    byte[] bytes = Files.readAllBytes(file);
    int cut = Math.min(bytes.length, getConf().getInt("tiny.cut", Integer.MAX_VALUE));
    return new FSDataInputStream(new Slow(ByteBuffer.wrap(bytes, 0, cut)));
  }

  private final class Slow extends FSInputStream {
    private final ByteBuffer bytes;
    private final int breakAt = getConf().getInt("tiny.break", Integer.MAX_VALUE);

    private Slow(ByteBuffer bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (bytes.position() >= breakAt) {
        throw new IOException("the connection was reset");
      }
      int delay = getConf().getInt("tiny.delay-millis", 0);
      if (delay > 0) {
        try {
          Thread.sleep(delay);
        } catch (InterruptedException e) {
          throw new IOException("interrupted", e);
        }
      }
      if (!bytes.hasRemaining()) {
        return -1;
      }
      int count = Math.min(Math.min(length, 512), bytes.remaining());
      bytes.get(target, offset, count);
      return count;
    }

    @Override
    public void seek(long position) {
      bytes.position(Math.toIntExact(position));
    }

    @Override
    public long getPos() {
      return bytes.position();
    }

    @Override
    public boolean seekToNewSource(long target) {
      return false;
    }
  }

  @Override
  public FileChecksum getFileChecksum(Path path, long length) throws IOException {
    String kind = getConf().get("tiny.checksums", "none");
    if (kind.equals("none")) {
      return null;
    }
    CRC32C crc = new CRC32C();
    crc.update(Files.readAllBytes(local(path)));
    int value = (int) crc.getValue() ^ (kind.equals("wrong") ? 1 : 0);
    return new FileChecksum() {
      @Override
      public String getAlgorithmName() {
        return "COMPOSITE-CRC32C";
      }

      @Override
      public int getLength() {
        return Integer.BYTES;
      }

      @Override
      public byte[] getBytes() {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
      }

      @Override
      public void write(java.io.DataOutput out) throws IOException {
        throw new IOException("not needed");
      }

      @Override
      public void readFields(java.io.DataInput in) throws IOException {
        throw new IOException("not needed");
      }
    };
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    List<FileStatus> found = new ArrayList<>();
    try (var list = Files.newDirectoryStream(local(path))) {
      for (java.nio.file.Path file : list) {
        found.add(getFileStatus(new Path(path, file.getFileName().toString())));
      }
    }
    return found.toArray(FileStatus[]::new);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    java.nio.file.Path file = local(path);
    if (!Files.exists(file)) {
      throw new FileNotFoundException("No such file: " + path);
    }
    return new FileStatus(
        Files.size(file),
        Files.isDirectory(file),
        1,
        1 << 20,
        Files.getLastModifiedTime(file).toMillis(),
        path);
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int bufferSize,
      short replication,
      long blockSize,
      Progressable progress)
      throws IOException {
    throw new IOException("this file system is read only");
  }

  @Override
  public FSDataOutputStream append(Path path, int bufferSize, Progressable progress)
      throws IOException {
    throw new IOException("this file system is read only");
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    throw new IOException("this file system is read only");
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    throw new IOException("this file system is read only");
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    throw new IOException("this file system is read only");
  }

  @Override
  public void setWorkingDirectory(Path path) {}

  @Override
  public Path getWorkingDirectory() {
    return new Path(ROOT);
  }
}
