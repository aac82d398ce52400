package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.gpu.internal.kernel.CompressionShape;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.KvCompactKernel;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel;
import io.tracemill.gpu.internal.kernel.PolicyScoreKernel.Numbers;
import io.tracemill.gpu.internal.kernel.PolicyShape;
import io.tracemill.gpu.internal.kernel.PolicySpreadKernel;
import io.tracemill.gpu.internal.kernel.PolicyValuesKernel;
import io.tracemill.gpu.internal.kernel.RpcScoreKernel;
import io.tracemill.gpu.internal.kernel.RpcSelectKernel;
import io.tracemill.gpu.internal.memory.DeviceBuffer;
import io.tracemill.gpu.internal.memory.DeviceMemory;
import io.tracemill.gpu.internal.memory.Purpose;
import io.tracemill.gpu.internal.memory.ResourceStack;
import java.util.List;
import java.util.Optional;

/**
 * Scores, selects and compacts for rules other than RPC's: the same selection and compaction, on
 * scores of its own kernels. Stored scores get memory when a rule first asks for it.
 */
final class PolicyScorer implements AutoCloseable {
  private final DeviceMemory memory;
  private final HeadShape heads;
  private final int numLayers;
  private final int ringRows;
  private final int laneRows;
  private final RpcScoreKernel.Cache cache;
  private final long seeds;
  private final PolicyScoreKernel score;
  private final PolicySpreadKernel spread;
  private final PolicyValuesKernel values;
  private final RpcSelectKernel selectShared;
  private final RpcSelectKernel selectPerHead;
  private final KvCompactKernel compact;
  private final ResourceStack resources = new ResourceStack();
  private final int[] storedRows;
  private Optional<DeviceBuffer> stored = Optional.empty();

  /**
   * Where a launch left its results.
   *
   * @param slots lists of kept slots
   * @param pooled pooled scores
   * @param cuts lowest kept scores
   * @param lists sizes
   */
  record Launched(long slots, long pooled, long cuts, CompressionShape lists) {}

  /**
   * A scorer on a cache.
   *
   * @param seeds device address of the lanes' random keys
   * @param laneRows most rows of a lane
   */
  PolicyScorer(
      DeviceMemory memory,
      Launcher launcher,
      HeadShape heads,
      int numLayers,
      int ringRows,
      int laneRows,
      RpcScoreKernel.Cache cache,
      long seeds,
      KvCompactKernel compact) {
    this.memory = memory;
    this.heads = heads;
    this.numLayers = numLayers;
    this.ringRows = ringRows;
    this.laneRows = laneRows;
    this.cache = cache;
    this.seeds = seeds;
    this.compact = compact;
    this.score = new PolicyScoreKernel(launcher, heads);
    this.spread = new PolicySpreadKernel(launcher, heads);
    this.values = new PolicyValuesKernel(launcher, heads);
    int kvHeads = heads.numKvHeads();
    this.selectShared = new RpcSelectKernel(launcher, new HeadShape(1, 1, heads.headDim()));
    this.selectPerHead =
        new RpcSelectKernel(launcher, new HeadShape(kvHeads, kvHeads, heads.headDim()));
    this.storedRows = new int[cache.numLanes()];
  }

  /** Forgets the stored scores of a lane. */
  void startLane(int lane) {
    storedRows[lane] = 0;
  }

  /** Rows of a lane that have a stored score. */
  int storedRows(int lane) {
    return storedRows[lane];
  }

  /** Sizes of a launch of lanes of one rule. */
  PolicyShape shape(ScoreRule rule, int maxRows, int maxCandidates, int maxKept) {
    int sets = rule.aggregation() == HeadAggregation.GROUP ? heads.numKvHeads() : 1;
    return new PolicyShape(numLayers, heads, sets, rule.queries(), maxRows, maxCandidates, maxKept);
  }

  /** Sizes of the largest launch of one lane. */
  PolicyShape largest() {
    return new PolicyShape(
        numLayers, heads, heads.numKvHeads(), ringRows, laneRows, laneRows, laneRows);
  }

  /**
   * Enqueues lanes of one rule.
   *
   * @param due staged lanes
   * @param scratch device address of {@code numDue * shape.scratchBytes()} bytes
   */
  Launched enqueue(List<LaneCompression> lanes, long due, long scratch, PolicyShape shape) {
    ScoreRule rule = lanes.get(0).rule();
    Numbers numbers =
        PolicyRules.numbers(rule)
            .orElseThrow(() -> new IllegalArgumentException("no kernel computes " + rule));
    if (rule.queries() > ringRows) {
      throw new IllegalArgumentException(
          "the rule asks for %d queries; the ring has %d".formatted(rule.queries(), ringRows));
    }
    if (rule instanceof ScoreRule.LagSpread) {
      lanes.forEach(lane -> checkRowsToCompareWith(lane.plan()));
    }
    CompressionShape lists = shape.lists();
    int numDue = lanes.size();
    long rowBytes = numDue * shape.rowBytes();
    long shares = scratch + numDue * shape.statsBytes();
    long sums = shares + rowBytes;
    long cosines = sums + rowBytes;
    long latest = cosines + rowBytes;
    long struck = latest + rowBytes;
    long ranks = struck + 2 * rowBytes;
    long pooled = ranks + numDue * lists.scoreBytes();
    long slots = pooled + numDue * lists.pooledBytes();
    long cuts = slots + numDue * lists.slotBytes();
    boolean stores = numbers.mode().storesScores();
    PolicyScoreKernel.Batch batch =
        new PolicyScoreKernel.Batch(
            due,
            numDue,
            scratch,
            shares,
            sums,
            cosines,
            latest,
            struck,
            ranks,
            stores ? storedScores().address() : 0,
            laneRows,
            seeds);
    if (rule instanceof ScoreRule.LagSpread) {
      spread.enqueue(cache, due, numDue, shares, sums, shape);
    }
    score.enqueue(cache, batch, numbers, ringRows, shape);
    if (rule instanceof ScoreRule.ValueAwareSample sample) {
      int pooling = sample.recent().poolingKernelSize();
      values.enqueue(cache, batch, pooling, sample.wideRows(), shape);
    }
    (shape.sets() == 1 ? selectShared : selectPerHead)
        .enqueue(due, numDue, ranks, pooled, slots, cuts, numbers.averagedNeighbours(), lists);
    compact.enqueue(cache, due, numDue, slots, lists);
    if (stores) {
      score.enqueueMove(batch, slots, shape);
      for (LaneCompression lane : lanes) {
        storedRows[lane.lane()] = lane.plan().rowsAfter();
      }
    }
    if (numbers.mode().readsRedundancy()) {
      score.enqueueUnrank(cuts, Math.toIntExact(numDue * lists.cutsPerLane()));
    }
    return new Launched(slots, pooled, cuts, lists);
  }

  private static void checkRowsToCompareWith(RowPlan plan) {
    if (plan.windowRows() < plan.candidates()) {
      throw new IllegalArgumentException(
          "%d candidates are compared with as many rows after them; the plan has %d"
              .formatted(plan.candidates(), plan.windowRows()));
    }
  }

  private DeviceBuffer storedScores() {
    if (stored.isEmpty()) {
      long bytes =
          (long) cache.numLanes() * numLayers * heads.numKvHeads() * laneRows * Float.BYTES;
      stored =
          Optional.of(
              resources.add(memory.allocate(Purpose.WORKSPACE, "scores beside rows", bytes)));
    }
    return stored.get();
  }

  /** Frees the stored scores. */
  @Override
  public void close() {
    resources.close();
  }
}
