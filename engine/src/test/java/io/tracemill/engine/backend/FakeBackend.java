package io.tracemill.engine.backend;

import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.kvcache.KvLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * A backend without a model that plays its part to the letter and complains about every breach of
 * the contract: pages that are not mapped or lie in two lanes, preset pages that hold something
 * else, rows written into shared pages, wrong positions and row counts, steps before the prompt is
 * complete, calls from several threads.
 *
 * <p>Rows have an identity: each remembers its prompt or, past that, its lane's random key, and its
 * position. The tokens of a lane are a hash over all rows that its steps read, so that a page given
 * away too early changes the output. A lane ends with {@link #STOP_TOKEN} after a number of tokens
 * that follows from its random key.
 */
public final class FakeBackend implements Backend {
  /** The token that ends an output. */
  public static final int STOP_TOKEN = 1;

  /** Rows of device time per millisecond of a compression, a power of two to divide exactly. */
  private static final double ROWS_PER_MILLI = 1024;

  private static final int PAGE = KvLayout.PAGE_SIZE_TOKENS;
  private static final int FIRST_TOKEN = 2;
  private static final int TOKENS = 5000;
  private static final int FREE = -1;

  /** A prompt token whose arithmetic overflows: no token can be drawn after it. */
  public static final int POISON_TOKEN = 1_000_000;

  /** What a call does. */
  public enum Operation {
    START,
    MAP,
    PREFILL,
    DECODE,
    COMPRESS
  }

  /** Called before an operation takes effect; may throw to make it fail, or block. */
  public interface Fault {
    /** Lanes, or tokens of a prefill, that the operation is about. */
    void before(Operation operation, int size);
  }

  /** How many tokens a lane would produce, its stop token included. */
  public interface Lengths {
    /** At least 1. */
    int outputTokens(long randomKey);
  }

  private static final class Lane {
    final LaneStart start;
    final long promptKey;
    final int[] table;
    int rows;
    int position;
    int tokens;
    boolean promptComplete;
    boolean poisoned;
    int unread;

    Lane(LaneStart start, int entries) {
      this.start = start;
      this.promptKey = mix(Arrays.hashCode(start.promptTokens())) | 1;
      this.rows = start.presetRows();
      this.position = start.presetRows();
      this.table = new int[entries];
      Arrays.fill(table, FREE);
    }
  }

  private final BackendInfo info;
  private final Lengths lengths;
  private final Lane[] lanes;
  private final int[] pageHolders;
  private final long[] rowKey;
  private final int[] rowPosition;
  private final Map<Long, List<Integer>> attended = new HashMap<>();
  private Fault fault = (operation, size) -> {};
  private Thread caller;
  private boolean closed;
  private int mostLanes;

  /** A backend of so many pages and lanes. */
  public FakeBackend(int numPages, int maxLanes, int stepsInFlight, Lengths lengths) {
    this.lengths = lengths;
    this.lanes = new Lane[maxLanes];
    this.pageHolders = new int[numPages];
    this.rowKey = new long[numPages * PAGE];
    this.rowPosition = new int[numPages * PAGE];
    this.info =
        new BackendInfo(
            "fake",
            "no device",
            Optional.empty(),
            "none",
            new KvLayout(2, 1, 4, 4),
            numPages,
            maxLanes,
            stepsInFlight,
            false,
            new TreeMap<>());
  }

  /** Sets what happens before each operation. */
  public void onOperation(Fault newFault) {
    fault = newFault;
  }

  /** Lanes that are taken now. */
  public int lanesTaken() {
    int taken = 0;
    for (Lane lane : lanes) {
      taken += lane == null ? 0 : 1;
    }
    return taken;
  }

  /** Most lanes that were taken at the same time. */
  public int mostLanes() {
    return mostLanes;
  }

  /** Whether {@link #close} was called. */
  public boolean isClosed() {
    return closed;
  }

  /**
   * Rows that each decode step of the sequence with this key attended to, as they were really read;
   * of its last attempt.
   */
  public List<Integer> attendedRows(long randomKey) {
    return Collections.unmodifiableList(attended.getOrDefault(randomKey, List.of()));
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public void startLane(LaneStart start) {
    enter(Operation.START, 1);
    check(lanes[start.lane()] == null, "a taken lane is started:", start.lane());
    lanes[start.lane()] = new Lane(start, pageHolders.length);
    attended.put(start.randomKey(), new ArrayList<>());
    mostLanes = Math.max(mostLanes, lanesTaken());
  }

  @Override
  public void mapPages(int lane, int firstEntry, int[] pages) {
    enter(Operation.MAP, pages.length);
    for (int i = 0; i < pages.length; i++) {
      int entry = firstEntry + i;
      int page = pages[i];
      check(lane(lane).table[entry] == FREE, "an entry is mapped twice: entry, lane", entry, lane);
      if (entry * PAGE < lane(lane).start.presetRows()) {
        checkPreset(lane(lane), entry, page);
      } else {
        check(pageHolders[page] == 0, "a page is mapped twice: page, second lane", page, lane);
      }
      pageHolders[page]++;
      lane(lane).table[entry] = page;
    }
  }

  private void checkPreset(Lane lane, int entry, int page) {
    for (int row = 0; row < PAGE; row++) {
      int slot = page * PAGE + row;
      check(
          rowKey[slot] == lane.promptKey && rowPosition[slot] == entry * PAGE + row,
          "a preset page does not hold the prompt: page, entry, row",
          page,
          entry,
          row);
    }
  }

  @Override
  public void endLane(int lane) {
    checkThread();
    unmapFrom(lane(lane), 0);
    lanes[lane] = null;
  }

  @Override
  public PendingTokens prefill(List<PrefillChunk> chunks) {
    enter(Operation.PREFILL, chunks.stream().mapToInt(chunk -> chunk.tokens().length).sum());
    Set<Integer> seen = new HashSet<>();
    List<Integer> sampled = new ArrayList<>();
    for (PrefillChunk chunk : chunks) {
      Lane lane = lane(chunk.lane());
      check(seen.add(chunk.lane()), "two chunks of lane", chunk.lane());
      check(!lane.promptComplete, "a chunk after the last one of lane", chunk.lane());
      check(
          chunk.firstPosition() == lane.rows,
          "a chunk not at the end of the rows: position, rows",
          chunk.firstPosition(),
          lane.rows);
      int[] prompt = lane.start.promptTokens();
      for (int i = 0; i < chunk.tokens().length; i++) {
        check(chunk.tokens()[i] == prompt[lane.position], "another token than the prompt's");
        append(lane, chunk.lane());
        lane.poisoned |= chunk.tokens()[i] == POISON_TOKEN;
      }
      check(chunk.last() == (lane.rows == prompt.length), "a wrong end of the prompt");
      if (chunk.last()) {
        lane.promptComplete = true;
        sampled.add(sample(lane));
      }
    }
    return pending(sampled.stream().mapToInt(Integer::intValue).toArray(), List.of());
  }

  @Override
  public PendingTokens decode(int[] batch) {
    enter(Operation.DECODE, batch.length);
    check(batch.length > 0, "an empty batch");
    Set<Integer> seen = new HashSet<>();
    int[] tokens = new int[batch.length];
    List<Lane> read = new ArrayList<>();
    for (int i = 0; i < batch.length; i++) {
      Lane lane = lane(batch[i]);
      check(seen.add(batch[i]), "twice in a batch: lane", batch[i]);
      check(lane.promptComplete, "no complete prompt: lane", batch[i]);
      lane.unread++;
      check(
          lane.unread <= info.stepsInFlight(),
          "too many unread steps: steps, lane",
          lane.unread,
          batch[i]);
      read.add(lane);
      append(lane, batch[i]);
      attended.get(lane.start.randomKey()).add(lane.rows);
      tokens[i] = sample(lane);
    }
    return pending(tokens, read);
  }

  @Override
  public PendingCompression compress(List<LaneCompression> compressions) {
    enter(Operation.COMPRESS, compressions.size());
    float[] cuts = new float[compressions.size()];
    double rows = 0;
    for (int i = 0; i < cuts.length; i++) {
      LaneCompression compression = compressions.get(i);
      rows += compression.plan().rowsBefore();
      cuts[i] = compact(lane(compression.lane()), compression.plan());
    }
    double millis = rows / ROWS_PER_MILLI;
    return new PendingCompression() {
      @Override
      public boolean isDone() {
        return true;
      }

      @Override
      public float[] scoreCuts() {
        return cuts.clone();
      }

      @Override
      public double millis() {
        return millis;
      }
    };
  }

  @Override
  public void close() {
    checkThread();
    closed = true;
  }

  /** Keeps the candidates with the highest hash of their position, in order. */
  private float compact(Lane lane, RowPlan plan) {
    check(
        lane.rows == plan.rowsBefore(),
        "rows differ from the plan: rows, planned",
        lane.rows,
        plan.rowsBefore());
    List<Integer> candidates = new ArrayList<>();
    for (int i = 0; i < plan.candidates(); i++) {
      candidates.add(plan.protectedRows() + i);
    }
    candidates.sort((a, b) -> Long.compare(score(lane, b), score(lane, a)));
    List<Integer> kept = new ArrayList<>(candidates.subList(0, plan.retained()));
    float cut = kept.isEmpty() ? 0 : score(lane, kept.get(kept.size() - 1));
    Collections.sort(kept);
    for (int i = 0; i < plan.windowRows(); i++) {
      kept.add(plan.protectedRows() + plan.candidates() + i);
    }
    for (int i = 0; i < kept.size(); i++) {
      int from = slot(lane, kept.get(i));
      int to = slot(lane, plan.protectedRows() + i);
      check(pageHolders[to / PAGE] == 1, "a row is moved into a shared page:", to / PAGE);
      rowKey[to] = rowKey[from];
      rowPosition[to] = rowPosition[from];
    }
    lane.rows = plan.rowsAfter();
    unmapFrom(lane, KvLayout.pagesFor(lane.rows));
    return cut;
  }

  private long score(Lane lane, int row) {
    return mix(rowPosition[slot(lane, row)] + lane.start.randomKey()) >>> 44;
  }

  private void append(Lane lane, int id) {
    int entry = lane.rows / PAGE;
    check(lane.table[entry] != FREE, "a row has no page: row, lane", lane.rows, id);
    check(pageHolders[lane.table[entry]] == 1, "a row is written into a page that is shared:", id);
    int slot = slot(lane, lane.rows);
    rowKey[slot] = owner(lane, lane.position);
    rowPosition[slot] = lane.position;
    lane.rows++;
    lane.position++;
  }

  private int sample(Lane lane) {
    long key = lane.start.randomKey();
    long digest = key;
    int previous = -1;
    for (int row = 0; row < lane.rows; row++) {
      int slot = slot(lane, row);
      if (rowKey[slot] != owner(lane, rowPosition[slot]) || rowPosition[slot] <= previous) {
        check(false, "a row was overwritten or is out of order: row, slot", row, slot);
      }
      previous = rowPosition[slot];
      digest = digest * 0x9E3779B97F4A7C15L + previous;
    }
    if (lane.poisoned) {
      return PendingTokens.NO_TOKEN;
    }
    int index = lane.tokens++;
    return index + 1 == lengths.outputTokens(key)
        ? STOP_TOKEN
        : FIRST_TOKEN + (int) Long.remainderUnsigned(mix(digest + index), TOKENS);
  }

  /** Whom a row belongs to: the prompt, or the sequence alone. */
  private static long owner(Lane lane, int position) {
    return position < lane.start.promptTokens().length ? lane.promptKey : lane.start.randomKey();
  }

  private int slot(Lane lane, int row) {
    return lane.table[row / PAGE] * PAGE + row % PAGE;
  }

  private void unmapFrom(Lane lane, int firstEntry) {
    for (int entry = firstEntry; entry < lane.table.length && lane.table[entry] != FREE; entry++) {
      int page = lane.table[entry];
      pageHolders[page]--;
      lane.table[entry] = FREE;
    }
  }

  private static PendingTokens pending(int[] tokens, List<Lane> read) {
    return new PendingTokens() {
      @Override
      public int size() {
        return tokens.length;
      }

      @Override
      public boolean isDone() {
        return true;
      }

      @Override
      public int[] await() {
        read.forEach(lane -> lane.unread--);
        return tokens.clone();
      }
    };
  }

  private void enter(Operation operation, int size) {
    checkThread();
    fault.before(operation, size);
  }

  private void checkThread() {
    check(!closed, "a call after close");
    if (caller == null) {
      caller = Thread.currentThread();
    }
    check(caller == Thread.currentThread(), "a call from a second thread");
  }

  private Lane lane(int id) {
    check(lanes[id] != null, "the lane is free:", id);
    return lanes[id];
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  private static void check(boolean holds, String breach, int... values) {
    if (!holds) {
      throw new AssertionError("contract broken: " + breach + " " + Arrays.toString(values));
    }
  }
}
