package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import java.util.ArrayList;
import java.util.List;
import jcuda.driver.CUevent;
import jcuda.driver.CUstream;

/**
 * The way back of one compression batch's figures: two events and a page-locked buffer, used again
 * for later batches once their figures have been taken out.
 */
final class CompressionResult implements AutoCloseable {
  private static final String DOING = "compressing the KV cache";

  private final CudaDriver driver;
  private final CUstream stream;
  private final PinnedBuffer cuts;
  private final PinnedBuffer kept;
  private final CUevent start;
  private final CUevent end;
  private final List<Group> groups = new ArrayList<>();
  private final List<Count> counts = new ArrayList<>();
  private int cutFloats;
  private int lanesAdded;
  private Figures pending;

  /** Lanes that were compressed in one launch. */
  private record Group(int firstFloat, int lanes, int cutsPerLane) {}

  /** A lane whose candidates the device counts: its place in the batch, and the plan's number. */
  private record Count(int index, int planned) {}

  /**
   * An unused result.
   *
   * @param cuts a float for each lane, layer and retained set
   * @param kept an integer for each lane
   */
  CompressionResult(CudaDriver driver, CUstream stream, PinnedBuffer cuts, PinnedBuffer kept) {
    this.driver = driver;
    this.stream = stream;
    this.cuts = cuts;
    this.kept = kept;
    this.start = driver.createEvent();
    this.end = driver.createEvent();
  }

  /** Starts a batch of {@code lanes}. */
  void begin(int lanes) {
    groups.clear();
    counts.clear();
    cutFloats = 0;
    lanesAdded = 0;
    pending = new Figures(lanes);
    driver.record(start, stream);
  }

  /** Enqueues the copy of the cuts of some lanes. */
  void add(long deviceCuts, int lanes, int cutsPerLane) {
    groups.add(new Group(cutFloats, lanes, cutsPerLane));
    long bytes = (long) lanes * cutsPerLane * Float.BYTES;
    driver.copyToHost(cuts.memory(), (long) cutFloats * Float.BYTES, deviceCuts, bytes, stream);
    cutFloats += lanes * cutsPerLane;
    lanesAdded += lanes;
  }

  /**
   * Enqueues the copy of how many candidates stay, before {@link #add} for the same lanes.
   *
   * @param deviceKept {@code [lanes]} int32
   * @param planned candidates that the plans let stay
   */
  void addKept(long deviceKept, int[] planned) {
    for (int i = 0; i < planned.length; i++) {
      counts.add(new Count(lanesAdded + i, planned[i]));
    }
    long offset = (long) lanesAdded * Integer.BYTES;
    long bytes = (long) planned.length * Integer.BYTES;
    driver.copyToHost(kept.memory(), offset, deviceKept, bytes, stream);
  }

  /** Ends the batch. */
  PendingCompression end() {
    driver.record(end, stream);
    return pending;
  }

  /** Whether the batch is done. */
  boolean isReached() {
    return driver.isReached(end);
  }

  /** Takes the figures out of a finished batch, so that this object can serve the next. */
  void settle() {
    if (pending.scoreCuts != null) {
      return;
    }
    float[] means = new float[pending.lanes];
    int lane = 0;
    for (Group group : groups) {
      for (int i = 0; i < group.lanes(); i++) {
        double sum = 0;
        for (int j = 0; j < group.cutsPerLane(); j++) {
          int at = group.firstFloat() + i * group.cutsPerLane() + j;
          sum += cuts.bytes().getFloat(at * Float.BYTES);
        }
        // Nothing kept: the device reports infinity.
        means[lane++] = Double.isFinite(sum) ? (float) (sum / group.cutsPerLane()) : 0;
      }
    }
    for (Count count : counts) {
      int stay = kept.bytes().getInt(count.index() * Integer.BYTES);
      pending.rowsBeyondPlan[count.index()] = count.planned() - stay;
    }
    pending.millis = driver.elapsedMillis(start, end);
    pending.scoreCuts = means;
  }

  /** Settles a batch while the backend closes; one that failed keeps no figures. */
  void settleIfPossible() {
    try {
      driver.await(end);
      settle();
    } catch (DriverException e) {
      pending.failure = e;
    }
  }

  /** Destroys the events. */
  @Override
  public void close() {
    driver.destroyEvent(start);
    driver.destroyEvent(end);
  }

  /** What the caller sees. */
  private final class Figures implements PendingCompression {
    private final int lanes;
    private final int[] rowsBeyondPlan;
    private float[] scoreCuts;
    private double millis;
    private DriverException failure;

    Figures(int lanes) {
      this.lanes = lanes;
      this.rowsBeyondPlan = new int[lanes];
    }

    @Override
    public boolean isDone() {
      return scoreCuts != null || failure != null || isReachedOrFail();
    }

    private boolean isReachedOrFail() {
      try {
        return isReached();
      } catch (DriverException e) {
        throw CudaErrors.deviceFailed(DOING, e);
      }
    }

    @Override
    public float[] scoreCuts() {
      finish();
      return scoreCuts.clone();
    }

    @Override
    public int rowsBeyondPlan(int index) {
      finish();
      return rowsBeyondPlan[index];
    }

    @Override
    public double millis() {
      finish();
      return millis;
    }

    private void finish() {
      if (failure != null) {
        throw CudaErrors.deviceFailed(DOING, failure);
      }
      if (scoreCuts == null) {
        try {
          driver.await(end);
        } catch (DriverException e) {
          throw CudaErrors.deviceFailed(DOING, e);
        }
        settle();
      }
    }
  }
}
