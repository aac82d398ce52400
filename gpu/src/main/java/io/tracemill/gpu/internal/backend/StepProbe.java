package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.BackendRequest;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.gpu.internal.backend.Transformer.Part;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import jcuda.driver.CUevent;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;

/**
 * Measures a backend at cache lengths that nobody generated: lanes are given rows whose contents
 * are random, so that a step at 32K rows costs no 32K steps. Times come from device events; the
 * median of many is returned. For benchmarks; one thread.
 */
public final class StepProbe implements AutoCloseable {
  private static final int WARM_UP = 3;
  private static final int RANDOM_BYTES = 64 << 20;

  private final CudaBackend backend;
  private final CudaSession session;
  private final List<CUevent> events = new ArrayList<>();
  private final List<Integer> pages = new ArrayList<>();
  private int lanes;

  private StepProbe(CudaBackend backend) {
    this.backend = backend;
    this.session = backend.session();
    for (int page = 0; page < backend.info().numPages(); page++) {
      pages.add(page);
    }
    Collections.shuffle(pages, new Random(1));
    fillPoolWithRandomRows();
  }

  /** Opens a backend for measurements; the caller closes the probe. */
  public static StepProbe open(BackendRequest request) {
    return new StepProbe((CudaBackend) CudaBackends.open(request));
  }

  /** What is measured. */
  public BackendInfo info() {
    return backend.info();
  }

  /** The backend itself, for runs. */
  public Backend backend() {
    return backend;
  }

  /** Most device bytes that were allocated at once. */
  public long peakBytes() {
    return session.memory().peakBytes();
  }

  /** How long the weights took from their files, or their generator, to the device. */
  public long weightLoadMillis() {
    return session.weightLoadMillis();
  }

  /** Bytes of all matrices, which a decode step reads at the least. */
  public long streamedBytes() {
    return session.weights().streamedBytes();
  }

  /** Values in (-1, 1), never zeros: the power that a chip draws depends on its data. */
  private void fillPoolWithRandomRows() {
    CudaDriver driver = session.driver();
    KvLayout layout = session.pool().layout();
    long total = layout.pageBytes() * session.pool().numPages();
    long base = session.pool().layerAddress(0);
    int first = (int) Math.min(RANDOM_BYTES, total);
    try (PinnedBuffer host = new PinnedBuffer(driver, first)) {
      Random random = new Random(2);
      for (int i = 0; i + 1 < first; i += Short.BYTES) {
        float value = random.nextFloat() * 2 - 1;
        host.bytes().putShort(i, (short) (Float.floatToRawIntBits(value) >>> 16));
      }
      driver.copyToDevice(base, host.memory(), 0, first, session.stream());
      for (long done = first; done < total; done += first) {
        driver.copyOnDevice(base + done, base, Math.min(first, total - done), session.stream());
      }
      driver.synchronize(session.stream());
    }
  }

  /**
   * Makes lanes 0 to {@code batch - 1} hold {@code rows} rows each, on scattered pages, with room
   * for {@code growth} more.
   */
  public void setLanes(int batch, int rows, int growth, SamplingParams sampling) {
    endLanes();
    int pagesPerLane = KvLayout.pagesFor(rows + growth);
    if ((long) batch * pagesPerLane > pages.size()) {
      throw new IllegalArgumentException(
          "%d lanes of %d rows need %d pages; there are %d"
              .formatted(batch, rows + growth, (long) batch * pagesPerLane, pages.size()));
    }
    for (int lane = 0; lane < batch; lane++) {
      backend.startLane(
          new LaneStart(lane, sampling, lane, new int[] {1}, session.options().queryRingDepth()));
      int[] own =
          pages.subList(lane * pagesPerLane, (lane + 1) * pagesPerLane).stream()
              .mapToInt(Integer::intValue)
              .toArray();
      backend.mapPages(lane, 0, own);
      backend.assumeRows(lane, rows);
    }
    lanes = batch;
  }

  /** Ends the lanes of {@link #setLanes}. */
  public void endLanes() {
    for (int lane = 0; lane < lanes; lane++) {
      backend.endLane(lane);
    }
    lanes = 0;
  }

  /** Sets the lanes back to {@code rows} rows. */
  public void rewind(int rows) {
    for (int lane = 0; lane < lanes; lane++) {
      backend.assumeRows(lane, rows);
    }
  }

  /** Median microseconds of a decode step of all lanes, steps following each other at once. */
  public double decodeMicros(int steps) {
    int[] batch = batch();
    PendingTokens last = null;
    for (int i = 0; i < WARM_UP; i++) {
      last = backend.decode(batch);
    }
    List<CUevent> marks = events(steps + 1);
    session.driver().record(marks.get(0), session.stream());
    for (int i = 1; i <= steps; i++) {
      last = backend.decode(batch);
      session.driver().record(marks.get(i), session.stream());
    }
    last.await();
    session.driver().synchronize(session.stream());
    return medianMicros(marks);
  }

  /** Microseconds per step of many steps that are enqueued without reading any token. */
  public double decodeMeanMicros(int steps) {
    int[] batch = batch();
    PendingTokens last = null;
    for (int i = 0; i < WARM_UP; i++) {
      last = backend.decode(batch);
    }
    List<CUevent> marks = events(2);
    session.driver().record(marks.get(0), session.stream());
    for (int i = 0; i < steps; i++) {
      last = backend.decode(batch);
    }
    session.driver().record(marks.get(1), session.stream());
    last.await();
    session.driver().synchronize(session.stream());
    return medianMicros(marks) / steps;
  }

  /** Wall microseconds per step where Java reads every step's tokens, two steps in flight. */
  public double decodeWallMicros(int steps) {
    int[] batch = batch();
    PendingTokens previous = backend.decode(batch);
    long start = 0;
    for (int i = 0; i < steps + WARM_UP; i++) {
      if (i == WARM_UP) {
        start = System.nanoTime();
      }
      PendingTokens next = backend.decode(batch);
      previous.await();
      previous = next;
    }
    double micros = (System.nanoTime() - start) / 1e3 / steps;
    previous.await();
    return micros;
  }

  /**
   * Median microseconds of each part of a decode step, launches of one part in all layers following
   * each other in a graph; per launch.
   */
  public Map<String, Double> partMicros(int repeats) {
    int bucket = decodeOnce();
    Map<String, Double> micros = new LinkedHashMap<>();
    for (Part part : measuredParts()) {
      int launches = part.isOfLayer() ? session.weights().layers().size() : 4;
      double all =
          graphMicros(
              () -> {
                for (int i = 0; i < launches; i++) {
                  session.transformer().enqueueDecodePart(part, part.isOfLayer() ? i : 0, bucket);
                }
              },
              repeats);
      micros.put(nameOf(part), all / launches);
    }
    return micros;
  }

  /**
   * What each part costs a decode step, per launch: median microseconds of the step less those of
   * the step without the part, so the gaps and tails that it brings are in. Parts after it work on
   * what the last whole step left.
   */
  public Map<String, Double> partMicrosOfStep(int repeats) {
    int bucket = decodeOnce();
    int layers = session.weights().layers().size();
    Transformer transformer = session.transformer();
    double whole =
        graphMicros(() -> transformer.enqueueDecode(bucket, part -> part != Part.ADVANCE), repeats);
    Map<String, Double> micros = new LinkedHashMap<>();
    for (Part left : measuredParts()) {
      double rest =
          graphMicros(
              () -> transformer.enqueueDecode(bucket, part -> part != Part.ADVANCE && part != left),
              repeats);
      micros.put(nameOf(left), (whole - rest) / (left.isOfLayer() ? layers : 1));
    }
    return micros;
  }

  /** The parts that leave the lanes as they are. */
  private static List<Part> measuredParts() {
    return Arrays.stream(Part.values()).filter(part -> part != Part.ADVANCE).toList();
  }

  private static String nameOf(Part part) {
    return part.name().toLowerCase(Locale.ROOT);
  }

  /** Runs a whole step, so that every buffer holds something, and returns its bucket. */
  private int decodeOnce() {
    int[] batch = batch();
    backend.decode(batch).await();
    return BatchBuckets.bucketFor(batch.length);
  }

  private double graphMicros(Runnable enqueue, int repeats) {
    CudaDriver driver = session.driver();
    driver.beginCapture(session.stream());
    CUgraphExec graph;
    try {
      enqueue.run();
      graph = driver.endCapture(session.stream());
    } catch (RuntimeException e) {
      driver.abandonCapture(session.stream());
      throw e;
    }
    for (int i = 0; i < WARM_UP; i++) {
      driver.launch(graph, session.stream());
    }
    List<CUevent> marks = events(repeats + 1);
    driver.record(marks.get(0), session.stream());
    for (int i = 1; i <= repeats; i++) {
      driver.launch(graph, session.stream());
      driver.record(marks.get(i), session.stream());
    }
    driver.synchronize(session.stream());
    double micros = medianMicros(marks);
    driver.destroyGraph(graph);
    return micros;
  }

  /** Median milliseconds of a prefill batch of {@code tokens} tokens behind {@code before} rows. */
  public double prefillMillis(int before, int tokens, int repeats) {
    endLanes();
    int lane = 0;
    SamplingParams greedy = SamplingParams.greedy(1);
    int needed = KvLayout.pagesFor(before + tokens);
    int[] own = pages.subList(0, needed).stream().mapToInt(Integer::intValue).toArray();
    int[] prompt = new Random(3).ints(tokens, 0, 1000).toArray();
    double[] millis = new double[repeats];
    List<CUevent> marks = events(2);
    for (int i = -1; i < repeats; i++) {
      backend.startLane(new LaneStart(lane, greedy, 1, prompt, 0));
      backend.mapPages(lane, 0, own);
      backend.assumeRowsBeforePrompt(lane, before);
      session.driver().record(marks.get(0), session.stream());
      PendingTokens first = backend.prefill(List.of(new PrefillChunk(lane, before, prompt, true)));
      session.driver().record(marks.get(1), session.stream());
      first.await();
      session.driver().await(marks.get(1));
      if (i >= 0) {
        millis[i] = session.driver().elapsedMillis(marks.get(0), marks.get(1));
      }
      backend.endLane(lane);
    }
    Arrays.sort(millis);
    return millis[repeats / 2];
  }

  /**
   * Median device milliseconds of compressing all lanes as planned; rows are set back each time.
   */
  public double compressionMillis(List<LaneCompression> compressions, int repeats) {
    int rows = compressions.get(0).plan().rowsBefore();
    double[] millis = new double[repeats];
    for (int i = -1; i < repeats; i++) {
      rewind(rows);
      double one = backend.compress(compressions).millis();
      if (i >= 0) {
        millis[i] = one;
      }
    }
    Arrays.sort(millis);
    return millis[repeats / 2];
  }

  /** Bytes per second of copying device memory, read and written bytes counted. */
  public double copyBytesPerSecond() {
    CudaDriver driver = session.driver();
    CUstream stream = session.stream();
    KvLayout layout = session.pool().layout();
    long half =
        Math.min(4L << 30, layout.pageBytes() * session.pool().numPages() / 2) / 4096 * 4096;
    long base = session.pool().layerAddress(0);
    List<CUevent> marks = events(12);
    for (int i = 0; i < marks.size(); i++) {
      driver.copyOnDevice(base + half, base, half, stream);
      driver.record(marks.get(i), stream);
    }
    driver.synchronize(stream);
    return 2.0 * half / (medianMicros(marks) / 1e6);
  }

  private int[] batch() {
    int[] batch = new int[lanes];
    for (int lane = 0; lane < lanes; lane++) {
      batch[lane] = lane;
    }
    return batch;
  }

  private List<CUevent> events(int count) {
    while (events.size() < count) {
      events.add(session.driver().createEvent());
    }
    return events.subList(0, count);
  }

  private double medianMicros(List<CUevent> marks) {
    double[] micros = new double[marks.size() - 1];
    for (int i = 0; i < micros.length; i++) {
      micros[i] = 1e3 * session.driver().elapsedMillis(marks.get(i), marks.get(i + 1));
    }
    Arrays.sort(micros);
    return micros[micros.length / 2];
  }

  /** Closes the backend. */
  @Override
  public void close() {
    events.forEach(session.driver()::destroyEvent);
    events.clear();
    backend.close();
  }
}
