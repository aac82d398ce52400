package io.tracemill.gpu.internal.kernel;

import io.tracemill.gpu.internal.device.CudaDriver.LaunchOrder;
import io.tracemill.gpu.internal.device.LaunchShape;
import jcuda.driver.CUfunction;

/**
 * {@code sample_cluster}, {@code sample_cluster_many}, {@code sample_row} and {@code mark_seen}:
 * the next token of each row, the same in all of them. A lane gets -1 where a logit is not finite.
 */
public final class SampleKernel {
  /** Pairs of the table that {@link #massTable} makes. */
  private static final int MASS_TABLE_PAIRS = 2816;

  private static final int CLUSTER = 8;
  private static final int CLUSTER_BLOCK = 512;
  private static final int CLUSTER_FIXED_BYTES = 37_584;
  private static final int MANY_BLOCK = 384;
  private static final int MANY_SHARED_BYTES = 37_536;
  private static final int ROW_BLOCK = 1024;
  private static final int ROW_SHARED_BYTES = 81_360;
  private static final int MARK_BLOCK = 256;
  private static final int MARK_GRID = 8;
  private static final int CLUSTER_COMPUTE_MAJOR = 9;

  private final Launcher launcher;
  private final int vocab;
  private final Variant few;
  private final Variant many;
  private final CUfunction markSeen;

  /** A kernel and its launch: {@code cluster} thread blocks for each row. */
  private record Variant(CUfunction function, int cluster, int block, int sharedBytes) {}

  /** Looks the kernels up; clusters where the device has them. */
  public SampleKernel(Launcher launcher, int vocab) {
    this.launcher = launcher;
    this.vocab = vocab;
    long clusterBytes = CLUSTER_FIXED_BYTES + 4L * CLUSTER_BLOCK * ((vocab + 4095) / 4096);
    boolean clusters =
        launcher.device().computeMajor() == CLUSTER_COMPUTE_MAJOR && launcher.hasMachineCode();
    if (!clusters) {
      few = variant("sample_row", 1, ROW_BLOCK, ROW_SHARED_BYTES);
      many = few;
    } else {
      many = variant("sample_cluster_many", CLUSTER, MANY_BLOCK, MANY_SHARED_BYTES);
      few =
          clusterBytes <= launcher.device().sharedBytesPerBlock()
              ? variant("sample_cluster", CLUSTER, CLUSTER_BLOCK, Math.toIntExact(clusterBytes))
              : many;
    }
    this.markSeen = launcher.kernel("mark_seen", 0);
  }

  private Variant variant(String name, int cluster, int block, int sharedBytes) {
    return new Variant(launcher.kernel(name, sharedBytes), cluster, block, sharedBytes);
  }

  /**
   * {@code E[b] = round(2^31 * exp(-b / 128))} as pairs {@code (E[b], E[b + 1])}, b = 0..2815, of
   * unsigned 32-bit values.
   */
  public static int[] massTable() {
    int[] table = new int[2 * MASS_TABLE_PAIRS];
    for (int b = 0; b < MASS_TABLE_PAIRS; b++) {
      table[2 * b] = mass(b);
      table[2 * b + 1] = mass(b + 1);
    }
    return table;
  }

  private static int mass(int b) {
    return (int) Math.round(0x1p31 * Math.exp(-b / 128.0));
  }

  /** The integer distance below the largest logit beyond which min-p drops a token. */
  public static int minPKey(float minP) {
    return minP == 0 ? Integer.MAX_VALUE : (int) Math.floor(-Math.log(minP) * (1 << 18));
  }

  /**
   * Sampling state of the lanes, {@code [lanes]} each; device addresses.
   *
   * @param inverseTemperature float, 0 for greedy
   * @param topK int32, 0 for off
   * @param topP float, 1 for off
   * @param minPKey int32, see {@link #minPKey}
   * @param repetitionPenalty float, 1 for off
   * @param seed 64-bit random keys
   * @param tokenIndex int32, index of the token to draw; advanced
   * @param seen {@code [lanes, ceil(vocab / 32)]} bits of the tokens seen; updated
   * @param tokenId int32, the token drawn
   * @param massTable see {@link #massTable}
   */
  public record LaneSampling(
      long inverseTemperature,
      long topK,
      long topP,
      long minPKey,
      long repetitionPenalty,
      long seed,
      long tokenIndex,
      long seen,
      long tokenId,
      long massTable) {}

  /** Draws a token for each row of {@code logits [rows, vocab]} float, as part of a decode step. */
  public void enqueueDecode(long logits, long laneOf, LaneSampling lanes, int rows) {
    enqueue(logits, laneOf, lanes, rows, launcher.tuning().smallOrder(rows));
  }

  /** Draws a token for each row of {@code logits [rows, vocab]} float, after a prefill. */
  public void enqueuePrefill(long logits, long laneOf, LaneSampling lanes, int rows) {
    enqueue(logits, laneOf, lanes, rows, LaunchOrder.SERIAL);
  }

  private void enqueue(long logits, long laneOf, LaneSampling lanes, int rows, LaunchOrder order) {
    Variant variant = rows <= launcher.tuning().heldSamplingRows() ? few : many;
    launcher
        .address(logits)
        .address(lanes.massTable())
        .address(laneOf)
        .address(lanes.inverseTemperature())
        .address(lanes.topK())
        .address(lanes.topP())
        .address(lanes.minPKey())
        .address(lanes.repetitionPenalty())
        .address(lanes.seed())
        .address(lanes.tokenIndex())
        .address(lanes.seen())
        .address(lanes.tokenId())
        .integer(vocab)
        .launch(
            variant.function(),
            new LaunchShape(rows * variant.cluster(), 1, 1, variant.block(), variant.sharedBytes()),
            order);
  }

  /** Marks the prompt tokens of the segments as seen. */
  public void enqueueMarkSeen(Segments segments, long seen) {
    launcher
        .address(segments.tokens())
        .address(segments.row())
        .address(segments.lane())
        .address(seen)
        .integer(segments.numSegments())
        .integer(vocab)
        .launch(markSeen, LaunchShape.of(MARK_GRID, MARK_BLOCK));
  }
}
