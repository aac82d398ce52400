package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.weights.Bf16;
import io.tracemill.engine.weights.ElementType;
import io.tracemill.engine.weights.Fp16;
import io.tracemill.engine.weights.WeightTensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Copies parts of checkpoint tensors into page-locked memory, on several threads. */
final class TensorReader implements AutoCloseable {
  private static final int PIECE_BYTES = 1 << 20;
  private static final int MOST_THREADS = 16;

  private final ExecutorService threads;

  TensorReader() {
    int count = Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors());
    threads =
        Executors.newFixedThreadPool(
            count,
            task -> {
              Thread thread = new Thread(task, "tracemill-weights");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Copies bytes as they are. */
  void copy(WeightTensor tensor, long byteOffset, int byteLength, ByteBuffer target, int position) {
    inPieces(
        byteLength,
        (start, length) -> {
          ByteBuffer part = target.duplicate().position(position + start);
          part.put(tensor.slice(byteOffset + start, length));
        });
  }

  /** Copies elements as bf16, rounding where they are wider. */
  void copyAsBf16(
      WeightTensor tensor, long firstElement, int elements, ByteBuffer target, int position) {
    ElementType type = tensor.elementType();
    if (type == ElementType.BF16) {
      copy(tensor, firstElement * type.bytes(), elements * type.bytes(), target, position);
      return;
    }
    inPieces(
        elements * type.bytes(),
        (start, length) -> {
          ByteBuffer source = tensor.slice(firstElement * type.bytes() + start, length);
          int firstTarget = position + start / type.bytes() * Short.BYTES;
          for (int i = 0; i < length / type.bytes(); i++) {
            target.putShort(
                firstTarget + i * Short.BYTES, Bf16.fromFloat(element(source, type, i)));
          }
        });
  }

  /** Appends a small tensor's elements as floats. */
  static void appendFloats(WeightTensor tensor, ByteBuffer target) {
    ByteBuffer source = tensor.slice(0, Math.toIntExact(tensor.byteSize()));
    int elements = source.remaining() / tensor.elementType().bytes();
    for (int i = 0; i < elements; i++) {
      target.putFloat(element(source, tensor.elementType(), i));
    }
  }

  private static float element(ByteBuffer source, ElementType type, int index) {
    int at = source.position() + index * type.bytes();
    return switch (type) {
      case BF16 -> Bf16.toFloat(source.getShort(at));
      case FP16 -> Fp16.toFloat(source.getShort(at));
      case FP32 -> source.getFloat(at);
    };
  }

  private void inPieces(int byteLength, Piece piece) {
    List<Future<?>> running = new ArrayList<>();
    for (int start = 0; start < byteLength; start += PIECE_BYTES) {
      int from = start;
      int length = Math.min(PIECE_BYTES, byteLength - start);
      running.add(threads.submit(() -> piece.copy(from, length)));
    }
    for (Future<?> part : running) {
      try {
        part.get();
      } catch (ExecutionException e) {
        if (e.getCause() instanceof RuntimeException failure) {
          throw failure;
        }
        throw new IllegalStateException("reading weights failed", e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while reading weights", e);
      }
    }
  }

  /** Copies bytes {@code [start, start + length)} of a range. */
  private interface Piece {
    void copy(int start, int length);
  }

  /** Ends the threads. */
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
