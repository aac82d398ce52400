package io.tracemill.engine.cpu;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.ScoreRule;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.model.ModelConfig;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The CPU backend. Every call does its work before it returns; the pending results are finished
 * ones.
 */
final class CpuBackend implements Backend {
  private final ModelConfig config;
  private final BackendInfo info;
  private final int queryRingDepth;
  private final WorkerPool pool;
  private final KvPages pages;
  private final Transformer transformer;
  private final Compressor compressor;
  private final CpuSampler[] samplers;
  private final Lane[] lanes;
  private final BatchRows rows;
  private final int[] sampled;
  private final WorkerPool.Work sample = this::sample;
  private boolean closed;

  CpuBackend(CpuBackendParts parts) {
    config = parts.config();
    info = parts.info();
    queryRingDepth = parts.options().queryRingDepth();
    pool = parts.pool();
    pages = parts.pages();
    transformer = parts.transformer();
    compressor = parts.compressor();
    samplers = parts.samplers();
    rows = new BatchRows(parts.batchRows());
    sampled = new int[parts.batchRows()];
    lanes = new Lane[parts.options().maxLanes()];
    int maxPages = KvLayout.pagesFor(parts.options().maxSequenceRows());
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = new Lane(i, maxPages);
    }
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public void startLane(LaneStart start) {
    Lane lane = lane(start.lane());
    if (start.queryRingDepth() < 0 || start.queryRingDepth() > queryRingDepth) {
      throw new IllegalArgumentException(
          "query ring of %d, but the backend was opened for %d"
              .formatted(start.queryRingDepth(), queryRingDepth));
    }
    checkTokens(start.lane(), start.promptTokens());
    long ring = (long) config.numLayers() * start.queryRingDepth() * config.queryDim();
    try {
      lane.start(start, Math.toIntExact(ring), config.vocabSize());
    } catch (OutOfMemoryError e) {
      throw CpuErrors.noMemoryForRing(start.lane(), 4 * ring, e);
    }
  }

  @Override
  public void mapPages(int lane, int firstEntry, int[] newPages) {
    lane(lane).requireTaken();
    for (int page : newPages) {
      if (page < 0 || page >= info.numPages()) {
        throw new IllegalArgumentException(
            "page %d is not in [0, %d)".formatted(page, info.numPages()));
      }
    }
    try {
      for (int page : newPages) {
        pages.allocate(page);
      }
    } catch (OutOfMemoryError e) {
      throw CpuErrors.noMemoryForPages(newPages.length, pages.pageBytes(), e);
    }
    lane(lane).mapPages(firstEntry, newPages);
  }

  @Override
  public void endLane(int lane) {
    lane(lane).end();
  }

  @Override
  public PendingTokens prefill(List<PrefillChunk> chunks) {
    checkChunks(chunks);
    int[] tokens = new int[(int) chunks.stream().filter(PrefillChunk::last).count()];
    int finished = 0;
    rows.clear(BatchRows.Kind.PREFILL);
    for (PrefillChunk chunk : chunks) {
      Lane lane = lanes[chunk.lane()];
      for (int i = 0; i < chunk.tokens().length; i++) {
        if (rows.size() == rows.capacity()) {
          finished = run(tokens, finished);
          rows.clear(BatchRows.Kind.PREFILL);
        }
        int position = chunk.firstPosition() + i;
        rows.add(lane, chunk.tokens()[i], position, position);
      }
      lane.append(chunk.tokens().length);
      if (chunk.last()) {
        lane.completePrompt();
        rows.sampleAfterLast();
      }
    }
    run(tokens, finished);
    return new FinishedTokens(tokens);
  }

  @Override
  public PendingTokens decode(int[] batch) {
    rows.clear(BatchRows.Kind.DECODE);
    for (int id : batch) {
      Lane lane = lane(id);
      lane.requireTaken();
      if (!lane.promptComplete()) {
        throw new IllegalStateException("lane " + id + " decodes before its prompt is complete");
      }
      if (lane.newestToken() < 0) {
        throw new IllegalStateException("lane " + id + " has no token to go on from");
      }
      lane.requireMapped(lane.rows() + 1);
      for (int i = 0; i < rows.size(); i++) {
        if (rows.lane(i) == lane) {
          throw new IllegalArgumentException("lane " + id + " is twice in one batch");
        }
      }
      rows.add(lane, lane.newestToken(), lane.rows(), lane.position());
      rows.sampleAfterLast();
    }
    int[] tokens = new int[batch.length];
    for (int id : batch) {
      lanes[id].appendDecoded();
    }
    run(tokens, 0);
    return new FinishedTokens(tokens);
  }

  /** Runs the batch and samples; returns the number of tokens that are finished then. */
  private int run(int[] tokens, int finished) {
    if (rows.size() == 0) {
      return finished;
    }
    transformer.forward(rows);
    int outputs = rows.numOutputs();
    pool.forEach(outputs, sample);
    for (int i = 0; i < outputs; i++) {
      rows.lane(rows.outputRow(i)).sampled(sampled[i]);
      tokens[finished + i] = sampled[i];
    }
    return finished + outputs;
  }

  private void sample(int output, int worker) {
    Lane lane = rows.lane(rows.outputRow(output));
    int offset = output * transformer.logitsWidth();
    sampled[output] = samplers[worker].sample(transformer.logits(), offset, lane);
  }

  @Override
  public PendingCompression compress(List<LaneCompression> compressions) {
    Set<Integer> distinct = new HashSet<>();
    for (LaneCompression compression : compressions) {
      check(compression);
      if (!distinct.add(compression.lane())) {
        throw new IllegalArgumentException("lane " + compression.lane() + " is twice in a batch");
      }
    }
    long start = System.nanoTime();
    Compressor.Outcome outcome = compressor.compress(compressions, lanes);
    return new FinishedCompression(outcome, (System.nanoTime() - start) / 1e6);
  }

  private void check(LaneCompression compression) {
    Lane lane = lane(compression.lane());
    lane.requireTaken();
    if (compression.plan().rowsBefore() != lane.rows()) {
      throw new IllegalArgumentException(
          "the plan for lane %d starts from %d rows, but it holds %d"
              .formatted(lane.id, compression.plan().rowsBefore(), lane.rows()));
    }
    if (compression.rule() instanceof ScoreRule.LagSpread
        && compression.plan().windowRows() < compression.plan().candidates()) {
      throw new IllegalArgumentException(
          "the rule for lane %d compares %d candidates with as many rows after them; the window is %d"
              .formatted(
                  lane.id, compression.plan().candidates(), compression.plan().windowRows()));
    }
    int queries = compression.rule().queries();
    if (compression.keep() instanceof KeepRule.AttentionNorm norm) {
      queries = Math.max(queries, norm.queries());
    }
    if (queries > Math.min(lane.ringDepth(), lane.decodeSteps())) {
      throw new IllegalArgumentException(
          "the rule for lane %d asks for %d queries; its ring of %d has seen %d steps"
              .formatted(lane.id, queries, lane.ringDepth(), lane.decodeSteps()));
    }
  }

  private void checkChunks(List<PrefillChunk> chunks) {
    Set<Integer> distinct = new HashSet<>();
    for (PrefillChunk chunk : chunks) {
      Lane lane = lane(chunk.lane());
      lane.requireTaken();
      if (!distinct.add(chunk.lane())) {
        throw new IllegalArgumentException("lane " + chunk.lane() + " is twice in a batch");
      }
      if (lane.promptComplete() || chunk.firstPosition() != lane.rows()) {
        throw new IllegalStateException(
            "lane %d holds %d rows%s; it cannot take prompt tokens from position %d"
                .formatted(
                    lane.id,
                    lane.rows(),
                    lane.promptComplete() ? " and its prompt is complete" : "",
                    chunk.firstPosition()));
      }
      checkTokens(chunk.lane(), chunk.tokens());
      lane.requireMapped(lane.rows() + chunk.tokens().length);
    }
  }

  private void checkTokens(int lane, int[] tokens) {
    for (int token : tokens) {
      if (token < 0 || token >= config.vocabSize()) {
        throw CpuErrors.token(lane, token, config.vocabSize());
      }
    }
  }

  private Lane lane(int id) {
    if (closed) {
      throw new IllegalStateException("the CPU backend is closed");
    }
    if (id < 0 || id >= lanes.length) {
      throw new IllegalArgumentException("lane %d is not in [0, %d)".formatted(id, lanes.length));
    }
    return lanes[id];
  }

  /**
   * The logits that the newest batch sampled its {@code output}-th token from, for tests; after a
   * repetition penalty.
   */
  float[] logits(int output) {
    int from = output * transformer.logitsWidth();
    return Arrays.copyOfRange(transformer.logits(), from, from + config.vocabSize());
  }

  /** Shows every query to come to an observer; with several threads, from any of them. */
  void observeQueries(QueryObserver observer) {
    transformer.observeQueries(observer);
  }

  /** Observes compressions, for tests. */
  void traceCompressions(Compressor.CompressionTrace trace) {
    compressor.trace(trace);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      pool.close();
    }
  }

  private record FinishedTokens(int[] tokens) implements PendingTokens {
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
      return tokens.clone();
    }
  }

  private record FinishedCompression(Compressor.Outcome outcome, double millis)
      implements PendingCompression {
    @Override
    public boolean isDone() {
      return true;
    }

    @Override
    public float[] scoreCuts() {
      return outcome.cuts().clone();
    }

    @Override
    public int rowsBeyondPlan(int index) {
      return outcome.rowsBeyondPlan()[index];
    }
  }
}
