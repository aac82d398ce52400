package io.tracemill.engine.weights;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One safetensors file: 8 bytes with the little-endian length of a JSON header, the header, and the
 * tensors' bytes. Opening checks everything that the header says.
 */
final class SafetensorsFile implements AutoCloseable {
  private final MappedFile file;
  private final Map<String, WeightTensor> tensors;

  private SafetensorsFile(MappedFile file, Map<String, WeightTensor> tensors) {
    this.file = file;
    this.tensors = tensors;
  }

  static SafetensorsFile open(Path path) {
    return open(MappedFile.open(path));
  }

  static SafetensorsFile open(MappedFile file) {
    try {
      SafetensorsHeader header = SafetensorsHeader.read(file);
      Map<String, WeightTensor> tensors = new LinkedHashMap<>();
      for (SafetensorsHeader.Entry entry : header.entries()) {
        long begin = header.dataOffset() + entry.begin();
        tensors.put(entry.name(), new MappedTensor(file, entry, begin));
      }
      return new SafetensorsFile(file, tensors);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  Path path() {
    return file.path();
  }

  /** Tensors by name, in the order of the header. */
  Map<String, WeightTensor> tensors() {
    return tensors;
  }

  @Override
  public void close() {
    file.close();
  }

  private record MappedTensor(MappedFile file, SafetensorsHeader.Entry entry, long begin)
      implements WeightTensor {
    @Override
    public String name() {
      return entry.name();
    }

    @Override
    public ElementType elementType() {
      return entry.elementType();
    }

    @Override
    public List<Integer> shape() {
      return entry.shape();
    }

    @Override
    public long byteSize() {
      return entry.end() - entry.begin();
    }

    @Override
    public ByteBuffer slice(long byteOffset, int byteLength) {
      if (byteOffset < 0 || byteLength < 0 || byteOffset + byteLength > byteSize()) {
        throw new IllegalArgumentException(
            "no part of %s: %d bytes at %d of %d"
                .formatted(name(), byteLength, byteOffset, byteSize()));
      }
      return file.slice(begin + byteOffset, byteLength);
    }
  }
}
