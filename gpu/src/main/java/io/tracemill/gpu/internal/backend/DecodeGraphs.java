package io.tracemill.gpu.internal.backend;

import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;

/**
 * One recorded decode step per batch bucket. All are made at start-up, so that nothing is recorded,
 * and no memory taken, while sequences run.
 */
final class DecodeGraphs implements AutoCloseable {
  private final CudaDriver driver;
  private final CUstream stream;
  private final ResourceStack resources = new ResourceStack();
  private final Map<Integer, CUgraphExec> graphs = new TreeMap<>();

  /**
   * Records the buckets.
   *
   * @param step enqueues a decode step for a number of rows
   */
  DecodeGraphs(CudaDriver driver, CUstream stream, int[] buckets, IntConsumer step) {
    this.driver = driver;
    this.stream = stream;
    try {
      for (int bucket : buckets) {
        CUgraphExec graph = record(bucket, step);
        resources.add(() -> driver.destroyGraph(graph));
        driver.upload(graph, stream);
        graphs.put(bucket, graph);
      }
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  private CUgraphExec record(int bucket, IntConsumer step) {
    driver.beginCapture(stream);
    try {
      step.accept(bucket);
    } catch (RuntimeException e) {
      driver.abandonCapture(stream);
      throw e;
    }
    return driver.endCapture(stream);
  }

  /** Enqueues the step of a bucket. */
  void launch(int bucket) {
    driver.launch(graphs.get(bucket), stream);
  }

  /** Destroys the graphs. */
  @Override
  public void close() {
    resources.close();
  }
}
