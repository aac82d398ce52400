package io.tracemill.engine.cpu;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.model.ModelConfig.Architecture;
import io.tracemill.engine.model.RopeConfig;
import io.tracemill.engine.model.RopeScaling;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** One lane full of random keys, values and queries, and what its compressions decided. */
final class ScoreFixture implements AutoCloseable {
  static final int LAYERS = 2;
  static final int QUERY_HEADS = 6;
  static final int KV_HEADS = 2;
  static final int HEAD_DIM = 16;
  static final long KEY = 0x1234_5678_9ABCL;

  static final ModelConfig CONFIG =
      new ModelConfig(
          Architecture.LLAMA,
          LAYERS,
          32,
          32,
          QUERY_HEADS,
          KV_HEADS,
          HEAD_DIM,
          100,
          1e-6f,
          new RopeConfig(10_000, new RopeScaling.None()),
          4096,
          false,
          false,
          false);

  /** One retained set. */
  record Selected(int layer, int set, float[] pooled, int[] retained) {}

  /** {@code [layer][kvHead][row][headDim]} as the lane holds them. */
  final float[][][][] keys = new float[LAYERS][KV_HEADS][0][];

  final float[][][][] values = new float[LAYERS][KV_HEADS][0][];

  /** {@code [layer][query head][age][headDim]}. */
  final float[][][][] queries;

  final Lane lane;
  final List<Selected> selected = new ArrayList<>();
  private final int ring;
  private final int[] pageTable;
  private final Random random;
  private final KvPages pages;
  private final WorkerPool pool = new WorkerPool(2);
  private final Compressor compressor;

  /** Pages in a shuffled order, so that a row's place says nothing about its number. */
  ScoreFixture(int ring, int maxRows, KvPages pages, Random random) {
    this.ring = ring;
    this.random = random;
    this.pages = pages;
    queries = new float[LAYERS][QUERY_HEADS][ring][];
    int numPages = KvLayout.pagesFor(maxRows);
    lane = new Lane(3, numPages);
    lane.start(
        new LaneStart(3, SamplingParams.greedy(1), KEY, new int[] {1}, ring),
        LAYERS * ring * CONFIG.queryDim(),
        100);
    List<Integer> ids = new ArrayList<>();
    for (int page = 0; page < numPages; page++) {
      ids.add(page);
      pages.allocate(page);
    }
    Collections.shuffle(ids, random);
    pageTable = ids.stream().mapToInt(Integer::intValue).toArray();
    lane.mapPages(0, pageTable);
    compressor = new Compressor(CONFIG, KernelChoice.kernels(), pages, pool);
    compressor.trace(
        (id, layer, set, pooled, candidates, retained, kept) -> {
          synchronized (selected) {
            selected.add(
                new Selected(
                    layer, set, Arrays.copyOf(pooled, candidates), Arrays.copyOf(retained, kept)));
          }
        });
  }

  static KvPages pages(int maxRows) {
    return new Float32KvPages(KvLayout.pagesFor(maxRows), LAYERS, KV_HEADS, HEAD_DIM);
  }

  /** Appends rows of random keys and values, with queries in the ring. */
  void append(int rows) {
    for (int i = 0; i < rows; i++) {
      int slot = lane.rows();
      for (int layer = 0; layer < LAYERS; layer++) {
        for (int head = 0; head < KV_HEADS; head++) {
          float[] key = row(1.5f);
          float[] value = row(1);
          // Some rows repeat an earlier one, nearly.
          if (slot > 4 && random.nextInt(3) == 0) {
            float[] earlier = keys[layer][head][random.nextInt(slot)];
            for (int d = 0; d < HEAD_DIM; d++) {
              key[d] = 0.3f * key[d] + earlier[d];
            }
          }
          pages.store(
              lane.page(slot / KvPages.ROWS), layer, head, slot % KvPages.ROWS, key, 0, value, 0);
          keys[layer][head] = append(keys[layer][head], key);
          values[layer][head] = append(values[layer][head], value);
        }
        for (int head = 0; head < QUERY_HEADS; head++) {
          float[] query = row(1);
          System.arraycopy(
              query,
              0,
              lane.ring(),
              (layer * ring + lane.position() % ring) * CONFIG.queryDim() + head * HEAD_DIM,
              HEAD_DIM);
          float[][] newest = new float[ring][];
          System.arraycopy(queries[layer][head], 0, newest, 1, ring - 1);
          newest[0] = query;
          queries[layer][head] = newest;
        }
      }
      lane.appendDecoded();
    }
  }

  /** Compresses and follows the rows that stay. */
  Compressor.Outcome compress(RowPlan plan, ScoreRule rule, KeepRule keep) {
    selected.clear();
    Lane[] lanes = new Lane[4];
    lanes[3] = lane;
    Compressor.Outcome outcome =
        compressor.compress(List.of(new LaneCompression(3, plan, rule, keep)), lanes);
    // A compression gives pages back; they are the lane's again.
    lane.mapPages(0, pageTable);
    for (Selected set : List.copyOf(selected)) {
      int sets = selected.size() / LAYERS;
      for (int head = 0; head < KV_HEADS; head++) {
        if (head / (KV_HEADS / sets) == set.set()) {
          keys[set.layer()][head] = kept(keys[set.layer()][head], plan, set.retained());
          values[set.layer()][head] = kept(values[set.layer()][head], plan, set.retained());
        }
      }
    }
    return outcome;
  }

  PlainScores plain(int layer, RowPlan plan) {
    return new PlainScores(
        keys[layer].clone(),
        values[layer].clone(),
        queries[layer],
        plan.protectedRows(),
        plan.candidates());
  }

  /** The rows of one head as the pages hold them now. */
  float[][] storedKeys(int layer, int head) {
    float[][] rows = new float[lane.rows()][HEAD_DIM];
    for (int row = 0; row < rows.length; row++) {
      pages.readKey(lane.page(row / KvPages.ROWS), layer, head, row % KvPages.ROWS, rows[row], 0);
    }
    return rows;
  }

  static float[][] kept(float[][] rows, RowPlan plan, int[] retained) {
    List<float[]> left = new ArrayList<>();
    left.addAll(Arrays.asList(rows).subList(0, plan.protectedRows()));
    for (int index : retained) {
      left.add(rows[plan.protectedRows() + index]);
    }
    left.addAll(Arrays.asList(rows).subList(plan.protectedRows() + plan.candidates(), rows.length));
    return left.toArray(new float[0][]);
  }

  private float[] row(float scale) {
    float[] row = new float[HEAD_DIM];
    for (int d = 0; d < HEAD_DIM; d++) {
      row[d] = scale * (float) random.nextGaussian();
    }
    return row;
  }

  private static float[][] append(float[][] rows, float[] row) {
    float[][] longer = Arrays.copyOf(rows, rows.length + 1);
    longer[rows.length] = row;
    return longer;
  }

  @Override
  public void close() {
    pool.close();
  }
}
