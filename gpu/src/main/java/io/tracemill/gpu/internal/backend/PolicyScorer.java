package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.KeepRule.AttentionNorm;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.compress.ScoreRule.ExpectedAttention;
import io.tracemill.gpu.internal.kernel.CompressionShape;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.KvCompactKernel;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.PolicyExpectedKernel;
import io.tracemill.gpu.internal.kernel.PolicyNormKernel;
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
  private final long kvLen;
  private final DeviceCalibrations calibrations;
  private final PolicyScoreKernel score;
  private final PolicySpreadKernel spread;
  private final PolicyValuesKernel values;
  private final PolicyExpectedKernel expected;
  private final PolicyNormKernel norm;
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
   * @param kept {@code [lanes]} int32, candidates that stay; written where they are counted only
   * @param lists sizes
   */
  record Launched(long slots, long pooled, long cuts, long kept, CompressionShape lists) {}

  /**
   * A scorer on a cache.
   *
   * @param seeds device address of the lanes' random keys
   * @param laneRows most rows of a lane
   * @param kvLen device address of the lanes' row counts
   * @param calibrations stays the caller's
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
      long kvLen,
      DeviceCalibrations calibrations,
      KvCompactKernel compact) {
    this.memory = memory;
    this.heads = heads;
    this.numLayers = numLayers;
    this.ringRows = ringRows;
    this.laneRows = laneRows;
    this.cache = cache;
    this.seeds = seeds;
    this.kvLen = kvLen;
    this.calibrations = calibrations;
    this.compact = compact;
    this.score = new PolicyScoreKernel(launcher, heads);
    this.spread = new PolicySpreadKernel(launcher, heads);
    this.values = new PolicyValuesKernel(launcher, heads);
    this.expected = new PolicyExpectedKernel(launcher, heads);
    this.norm = new PolicyNormKernel(launcher, heads, score);
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

  /** Takes in that a compression left fewer rows of a lane than its plan said. */
  void droppedBeyondPlan(int lane, int rows) {
    storedRows[lane] = Math.max(0, storedRows[lane] - rows);
  }

  /** Puts on the device what a rule needs beside the lanes. */
  void prepare(ScoreRule rule) {
    if (rule instanceof ExpectedAttention attention) {
      calibrations.of(attention.calibration());
    } else if (PolicyRules.numbers(rule).filter(n -> n.mode().storesScores()).isPresent()) {
      storedScores();
    }
  }

  /** Sizes of a launch of lanes of the rules of one. */
  PolicyShape shape(LaneCompression leader, int maxRows, int maxCandidates, int maxKept) {
    ScoreRule rule = leader.rule();
    int sets = rule.aggregation() == HeadAggregation.GROUP ? heads.numKvHeads() : 1;
    int queries = Math.max(rule.queries(), normQueries(leader.keep()));
    return new PolicyShape(numLayers, heads, sets, queries, maxRows, maxCandidates, maxKept);
  }

  private static int normQueries(KeepRule keep) {
    return keep instanceof AttentionNorm attention ? attention.queries() : 0;
  }

  /** Sizes of the largest launch of one lane. */
  PolicyShape largest() {
    return new PolicyShape(
        numLayers, heads, heads.numKvHeads(), ringRows, laneRows, laneRows, laneRows);
  }

  /**
   * Enqueues lanes of the same rules.
   *
   * @param due staged lanes
   * @param scratch device address of {@code numDue * shape.scratchBytes()} bytes
   */
  Launched enqueue(List<LaneCompression> lanes, long due, long scratch, PolicyShape shape) {
    if (shape.queries() > ringRows) {
      throw new IllegalArgumentException(
          "the rule asks for %d queries; the ring has %d".formatted(shape.queries(), ringRows));
    }
    if (lanes.get(0).rule() instanceof ScoreRule.LagSpread) {
      lanes.forEach(lane -> checkRowsToCompareWith(lane.plan()));
    }
    int numDue = lanes.size();
    CompressionShape lists = shape.lists();
    long work = scratch + numDue * shape.statsBytes();
    long ranks = work + numDue * shape.workBytes();
    long pooled = ranks + numDue * lists.scoreBytes();
    long slots = pooled + numDue * lists.pooledBytes();
    long cuts = slots + numDue * lists.slotBytes();
    // Once attention is summed up, its maxima and sums make room: 8 bytes or more per set.
    long fewest = scratch;
    long kept = fewest + numDue * lists.cutsPerLane() * Integer.BYTES;
    ScoreRule rule = lanes.get(0).rule();
    PolicyScoreKernel.Batch batch = batch(rule, due, numDue, scratch, work, ranks, shape);
    Ranking ranking =
        rule instanceof ExpectedAttention attention
            ? rankExpected(attention, batch, work, shape)
            : rank(rule, batch, shape.withQueries(rule.queries()));
    RpcSelectKernel select = shape.sets() == 1 ? selectShared : selectPerHead;
    select.enqueue(due, numDue, ranks, pooled, slots, cuts, ranking.averagedNeighbours(), lists);
    if (lanes.get(0).keep() instanceof AttentionNorm attention) {
      PolicyNormKernel.Counts counts =
          new PolicyNormKernel.Counts(work, pooled, fewest, kvLen, kept);
      PolicyShape asked = shape.withQueries(attention.queries());
      norm.enqueue(cache, batch, counts, attention.threshold(), ringRows, asked);
      // Again, with the number that the device has now.
      select.enqueue(due, numDue, ranks, pooled, slots, cuts, ranking.averagedNeighbours(), lists);
    }
    compact.enqueue(cache, due, numDue, slots, lists);
    if (ranking.stores()) {
      score.enqueueMove(batch, slots, shape);
      for (LaneCompression lane : lanes) {
        storedRows[lane.lane()] = lane.plan().rowsAfter();
      }
    }
    if (ranking.mayBeNegative()) {
      score.enqueueUnrank(cuts, Math.toIntExact(numDue * lists.cutsPerLane()));
    }
    return new Launched(slots, pooled, cuts, kept, lists);
  }

  /**
   * What selection and moving have to know of the ranks.
   *
   * @param averagedNeighbours size of a pooling by average that is left to the selection
   * @param mayBeNegative whether ranks stand for scores that may be negative
   * @param stores whether scores are stored beside rows
   */
  private record Ranking(int averagedNeighbours, boolean mayBeNegative, boolean stores) {}

  private PolicyScoreKernel.Batch batch(
      ScoreRule rule, long due, int numDue, long stats, long work, long ranks, PolicyShape shape) {
    long rowBytes = numDue * shape.rowBytes();
    long sums = work + rowBytes;
    long cosines = sums + rowBytes;
    long latest = cosines + rowBytes;
    long struck = latest + rowBytes;
    boolean stores = PolicyRules.numbers(rule).filter(n -> n.mode().storesScores()).isPresent();
    return new PolicyScoreKernel.Batch(
        due,
        numDue,
        stats,
        work,
        sums,
        cosines,
        latest,
        struck,
        ranks,
        stores ? storedScores().address() : 0,
        laneRows,
        seeds);
  }

  private Ranking rank(ScoreRule rule, PolicyScoreKernel.Batch batch, PolicyShape shape) {
    Numbers numbers =
        PolicyRules.numbers(rule)
            .orElseThrow(() -> new IllegalArgumentException("no kernel computes " + rule));
    if (rule instanceof ScoreRule.LagSpread) {
      spread.enqueue(cache, batch.due(), batch.numDue(), batch.shares(), batch.sums(), shape);
    }
    score.enqueue(cache, batch, numbers, ringRows, shape);
    if (rule instanceof ScoreRule.ValueAwareSample sample) {
      int pooling = sample.recent().poolingKernelSize();
      values.enqueue(cache, batch, pooling, sample.wideRows(), shape);
    }
    return new Ranking(
        numbers.averagedNeighbours(),
        numbers.mode().readsRedundancy(),
        numbers.mode().storesScores());
  }

  private Ranking rankExpected(
      ExpectedAttention rule, PolicyScoreKernel.Batch batch, long work, PolicyShape shape) {
    long queries = work + batch.numDue() * shape.headRowBytes();
    expected.enqueue(
        cache,
        new PolicyExpectedKernel.Batch(batch.due(), batch.numDue(), work, queries, batch.ranks()),
        calibrations.of(rule.calibration()),
        shape);
    return new Ranking(1, true, false);
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
