package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule.SelectorAttention;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.RopeFrequencies;
import io.tracemill.gpu.internal.device.CudaDriver;
import io.tracemill.gpu.internal.kernel.BatchRows;
import io.tracemill.gpu.internal.kernel.CompressionShape;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.KvCompactKernel;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.PolicyShape;
import io.tracemill.gpu.internal.kernel.RpcScoreKernel;
import io.tracemill.gpu.internal.kernel.RpcSelectKernel;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.PinnedBuffer;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * Enqueues compressions behind the decode step that made them due: scores, selection, compaction of
 * all layers and of as many lanes at a time as the scratch memory holds.
 */
final class Compressor implements AutoCloseable {
  private static final int DUE_WORDS = 8;
  private static final int RESULTS_AHEAD = 4;
  private static final long SCRATCH_BYTES = 256L << 20;

  private final CudaDriver driver;
  private final Launcher launcher;
  private final KvLayout layout;
  private final HeadShape heads;
  private final int ringRows;
  private final int maxLanes;
  private final RpcScoreKernel.Cache cache;
  private final RpcScoreKernel score;
  private final RpcSelectKernel select;
  private final KvCompactKernel compact;
  private final PolicyScorer policies;
  private final ResourceStack resources = new ResourceStack();
  private final DeviceBuffer scratch;
  private final DeviceBuffer counters;
  private final DeviceBuffer staged;
  private final int stagedBytes;
  private final StagingRing staging;
  private final Deque<CompressionResult> idle = new ArrayDeque<>();
  private final Deque<CompressionResult> running = new ArrayDeque<>();
  private Selection lastSelection;

  /**
   * Where the newest launch left its results, for inspection; device addresses, valid until the
   * next launch.
   *
   * @param slots {@code [lanes, layers, lists, maxKept]} int32
   * @param pooled {@code [lanes, layers, lists, 2, maxCandidates]} float: mean, pooled scores
   * @param lanes lanes of the launch
   * @param shape its sizes
   */
  record Selection(long slots, long pooled, int lanes, CompressionShape shape) {}

  Compressor(
      CudaDriver driver,
      DeviceMemory memory,
      Launcher launcher,
      TokenMailbox mailbox,
      KvPool pool,
      HeadShape heads,
      BatchRows lanes,
      int maxLanes,
      int maxSequenceRows,
      RopeFrequencies frequencies,
      long seeds) {
    this.driver = driver;
    this.launcher = launcher;
    this.layout = pool.layout();
    this.heads = heads;
    this.ringRows = pool.ringRows();
    this.maxLanes = maxLanes;
    this.cache =
        new RpcScoreKernel.Cache(
            pool.layerTable(), lanes.pageTable(), lanes.maxPages(), pool.ringAddress(0), maxLanes);
    this.score = new RpcScoreKernel(launcher, heads);
    this.select = new RpcSelectKernel(launcher, heads);
    this.compact = new KvCompactKernel(launcher, heads);
    CompressionShape largest = shape(heads.numKvHeads(), maxSequenceRows, maxSequenceRows);
    try {
      policies =
          resources.add(
              new PolicyScorer(
                  memory,
                  launcher,
                  heads,
                  layout.numLayers(),
                  ringRows,
                  maxSequenceRows,
                  cache,
                  seeds,
                  lanes.kvLen(),
                  resources.add(
                      new DeviceCalibrations(
                          driver,
                          memory,
                          launcher.stream(),
                          heads,
                          layout.numLayers(),
                          frequencies)),
                  compact));
      long bytes =
          Math.max(
              Math.max(largest.scratchBytes(), policies.largest().scratchBytes()),
              Math.min(SCRATCH_BYTES, maxLanes * largest.scratchBytes()));
      scratch = resources.add(memory.allocate(Purpose.WORKSPACE, "compression scratch", bytes));
      counters =
          resources.add(
              memory.allocate(
                  Purpose.WORKSPACE,
                  "compression counters",
                  Math.max(Integer.BYTES, maxLanes * largest.counterBytes())));
      driver.fill(counters.address(), (byte) 0, counters.byteSize(), launcher.stream());
      stagedBytes =
          (maxLanes * DUE_WORDS * Integer.BYTES + ringRows * Float.BYTES + 255) / 256 * 256;
      staged = resources.add(memory.allocate(Purpose.WORKSPACE, "due lanes", stagedBytes));
      staging = resources.add(new StagingRing(driver, launcher.stream(), mailbox, stagedBytes));
      for (int i = 0; i < RESULTS_AHEAD; i++) {
        idle.add(newResult());
      }
    } catch (RuntimeException e) {
      resources.close();
      throw e;
    }
  }

  /**
   * Enqueues the compressions.
   *
   * @param newestPosition logical position of a lane's newest row
   */
  PendingCompression enqueue(List<LaneCompression> compressions, IntUnaryOperator newestPosition) {
    CompressionResult result = takeResult();
    result.begin(compressions.size());
    for (int first = 0; first < compressions.size(); ) {
      int count = lanesTogether(compressions, first);
      enqueueTogether(compressions.subList(first, first + count), newestPosition, result);
      first += count;
    }
    PendingCompression pending = result.end();
    running.add(result);
    return pending;
  }

  /**
   * Puts on the device what the rules need beside the lanes, before anything is enqueued.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code OUT_OF_MEMORY}; nothing
   *     has changed then
   */
  void prepare(List<LaneCompression> compressions) {
    compressions.forEach(compression -> policies.prepare(compression.rule()));
  }

  /** How many of the lanes from {@code first} share their rules and fit the scratch memory. */
  private int lanesTogether(List<LaneCompression> compressions, int first) {
    LaneCompression leader = compressions.get(first);
    int count = 0;
    int candidates = 0;
    int kept = 0;
    int rows = 0;
    for (LaneCompression next : compressions.subList(first, compressions.size())) {
      candidates = Math.max(candidates, next.plan().candidates());
      kept = Math.max(kept, next.plan().retained());
      rows = Math.max(rows, next.plan().rowsBefore());
      long laneBytes =
          leader.rule() instanceof SelectorAttention
              ? shape(lists(leader), candidates, kept).scratchBytes()
              : policies.shape(leader, rows, candidates, kept).scratchBytes();
      long bytes = laneBytes * (count + 1);
      boolean alike = next.rule().equals(leader.rule()) && next.keep().equals(leader.keep());
      if (!alike || (count > 0 && bytes > scratch.byteSize())) {
        break;
      }
      count++;
    }
    return count;
  }

  private void enqueueTogether(
      List<LaneCompression> lanes, IntUnaryOperator newestPosition, CompressionResult result) {
    if (!(lanes.get(0).rule() instanceof SelectorAttention rule)) {
      enqueuePolicy(lanes, newestPosition, result);
      return;
    }
    if (lanes.get(0).keep() != KeepRule.AS_PLANNED) {
      throw new IllegalArgumentException("no kernel counts rows for " + rule);
    }
    int candidates = lanes.stream().mapToInt(l -> l.plan().candidates()).max().orElseThrow();
    int kept = lanes.stream().mapToInt(l -> l.plan().retained()).max().orElseThrow();
    CompressionShape shape = shape(lists(lanes.get(0)), candidates, kept);
    int numDue = lanes.size();
    long due = stage(lanes, rule.ringWeights(), newestPosition);
    long weights = due + (long) maxLanes * DUE_WORDS * Integer.BYTES;
    long stats = scratch.address();
    long offsets = stats + numDue * shape.statsBytes();
    long scores = offsets + numDue * shape.offsetBytes();
    long pooled = scores + numDue * shape.scoreBytes();
    long slots = pooled + numDue * shape.pooledBytes();
    long cuts = slots + numDue * shape.slotBytes();
    score.enqueue(
        cache,
        new RpcScoreKernel.Batch(due, numDue, weights, stats, offsets, counters.address(), scores),
        shape);
    select.enqueue(due, numDue, scores, pooled, slots, cuts, rule.poolingKernelSize(), shape);
    compact.enqueue(cache, due, numDue, slots, shape);
    lastSelection = new Selection(slots, pooled, numDue, shape);
    result.add(cuts, numDue, Math.toIntExact(shape.cutsPerLane()));
  }

  private void enqueuePolicy(
      List<LaneCompression> lanes, IntUnaryOperator newestPosition, CompressionResult result) {
    PolicyShape shape =
        policies.shape(
            lanes.get(0),
            lanes.stream().mapToInt(l -> l.plan().rowsBefore()).max().orElseThrow(),
            lanes.stream().mapToInt(l -> l.plan().candidates()).max().orElseThrow(),
            lanes.stream().mapToInt(l -> l.plan().retained()).max().orElseThrow());
    long due = stage(lanes, List.of(), newestPosition);
    PolicyScorer.Launched launched = policies.enqueue(lanes, due, scratch.address(), shape);
    lastSelection =
        new Selection(launched.slots(), launched.pooled(), lanes.size(), launched.lists());
    if (lanes.get(0).keep() != KeepRule.AS_PLANNED) {
      result.addKept(launched.kept(), lanes.stream().mapToInt(l -> l.plan().retained()).toArray());
    }
    result.add(launched.cuts(), lanes.size(), Math.toIntExact(launched.lists().cutsPerLane()));
  }

  /** Forgets what is kept beside the rows of a lane: it has a new sequence. */
  void startLane(int lane) {
    policies.startLane(lane);
  }

  /** Takes in that a compression left fewer rows of a lane than its plan said. */
  void droppedBeyondPlan(int lane, int rows) {
    policies.droppedBeyondPlan(lane, rows);
  }

  /** What the newest launch selected; none before the first. */
  Optional<Selection> lastSelection() {
    return Optional.ofNullable(lastSelection);
  }

  private long stage(
      List<LaneCompression> lanes, List<Float> ringWeights, IntUnaryOperator newestPosition) {
    int slot = staging.take();
    ByteBuffer bytes = staging.memory().bytes();
    int at = slot;
    for (LaneCompression compression : lanes) {
      RowPlan plan = compression.plan();
      int newest = newestPosition.applyAsInt(compression.lane());
      int[] words = {
        compression.lane(),
        plan.protectedRows(),
        plan.candidates(),
        plan.retained(),
        plan.windowRows(),
        ringRows == 0 ? 0 : newest % ringRows,
        policies.storedRows(compression.lane()),
        newest + 1
      };
      for (int word : words) {
        bytes.putInt(at, word);
        at += Integer.BYTES;
      }
    }
    // The ring may be deeper than the rule asks for: its oldest queries have no weight.
    int firstWeight = slot + maxLanes * DUE_WORDS * Integer.BYTES;
    int unused = ringRows - ringWeights.size();
    for (int i = 0; i < ringRows; i++) {
      float weight = i < unused ? 0 : ringWeights.get(i - unused);
      bytes.putFloat(firstWeight + i * Float.BYTES, weight);
    }
    driver.copyToDevice(
        staged.address(), staging.memory().memory(), slot, stagedBytes, launcher.stream());
    return staged.address();
  }

  private CompressionShape shape(int lists, int candidates, int kept) {
    return new CompressionShape(layout.numLayers(), heads, ringRows, lists, candidates, kept);
  }

  private int lists(LaneCompression compression) {
    return compression.rule().aggregation() == HeadAggregation.GROUP ? heads.numKvHeads() : 1;
  }

  private CompressionResult takeResult() {
    while (!running.isEmpty() && running.peek().isReached()) {
      CompressionResult done = running.remove();
      done.settle();
      idle.add(done);
    }
    return idle.isEmpty() ? newResult() : idle.remove();
  }

  private CompressionResult newResult() {
    int cutFloats = maxLanes * layout.numLayers() * heads.numKvHeads();
    return resources.add(
        new CompressionResult(
            driver,
            launcher.stream(),
            resources.add(new PinnedBuffer(driver, cutFloats * Float.BYTES)),
            resources.add(new PinnedBuffer(driver, maxLanes * Integer.BYTES))));
  }

  /** Frees everything. */
  @Override
  public void close() {
    List<CompressionResult> unsettled = new ArrayList<>(running);
    running.clear();
    unsettled.forEach(CompressionResult::settleIfPossible);
    resources.close();
  }
}
