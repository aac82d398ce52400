package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.gpu.internal.kernel.AttentionWorkListKernel;
import io.tracemill.gpu.internal.kernel.BatchRows;
import io.tracemill.gpu.internal.kernel.EmbedKernel;
import io.tracemill.gpu.internal.kernel.Epilogue;
import io.tracemill.gpu.internal.kernel.HeadShape;
import io.tracemill.gpu.internal.kernel.Launcher;
import io.tracemill.gpu.internal.kernel.PackedMatrix;
import io.tracemill.gpu.internal.kernel.PagedAttentionDecodeKernel;
import io.tracemill.gpu.internal.kernel.PagedAttentionPrefillKernel;
import io.tracemill.gpu.internal.kernel.PrefillGemmKernel;
import io.tracemill.gpu.internal.kernel.PublishKernel;
import io.tracemill.gpu.internal.kernel.RmsNormKernel;
import io.tracemill.gpu.internal.kernel.RopeAppendKernel;
import io.tracemill.gpu.internal.kernel.RopeAppendKernel.Targets;
import io.tracemill.gpu.internal.kernel.SampleKernel;
import io.tracemill.gpu.internal.kernel.SampleKernel.LaneSampling;
import io.tracemill.gpu.internal.kernel.Segments;
import io.tracemill.gpu.internal.kernel.SkinnyGemmKernel;
import java.util.function.Predicate;

/**
 * The order of kernels in a decode step and in a prefill batch. Enqueues only; nothing here depends
 * on a value that changes from step to step, so that a decode step can be recorded once per bucket.
 */
final class Transformer {
  private final int hidden;
  private final DeviceWeights weights;
  private final Workspace work;
  private final KvPool pool;
  private final BatchRows batch;
  private final LaneSampling sampling;
  private final PublishKernel.Outlet outlet;

  private final EmbedKernel embed;
  private final RmsNormKernel norm;
  private final RopeAppendKernel rope;
  private final AttentionWorkListKernel workList;
  private final PagedAttentionDecodeKernel decodeAttention;
  private final PagedAttentionPrefillKernel prefillAttention;
  private final SkinnyGemmKernel skinny;
  private final PrefillGemmKernel prefillGemm;
  private final SampleKernel sample;
  private final PublishKernel publish;

  Transformer(
      Launcher launcher,
      ModelConfig config,
      HeadShape heads,
      DeviceWeights weights,
      Workspace work,
      KvPool pool,
      LaneState lanes,
      TokenMailbox mailbox,
      SkinnyGemmKernel skinny) {
    this.hidden = config.hiddenSize();
    this.weights = weights;
    this.work = work;
    this.pool = pool;
    this.batch = lanes.batchRows();
    this.sampling =
        new LaneSampling(
            lanes.address(LaneState.Field.INVERSE_TEMPERATURE),
            lanes.address(LaneState.Field.TOP_K),
            lanes.address(LaneState.Field.TOP_P),
            lanes.address(LaneState.Field.MIN_P_KEY),
            lanes.address(LaneState.Field.REPETITION_PENALTY),
            lanes.address(LaneState.Field.SEED),
            lanes.address(LaneState.Field.TOKEN_INDEX),
            work.seen,
            lanes.address(LaneState.Field.TOKEN_ID),
            work.massTable);
    this.outlet =
        new PublishKernel.Outlet(
            lanes.address(LaneState.Field.TOKEN_ID),
            lanes.wordAddress(LaneState.STEP_SEQUENCE),
            mailbox.tokensAddress(),
            mailbox.sequenceAddress());
    this.embed = new EmbedKernel(launcher);
    this.norm = new RmsNormKernel(launcher, hidden, config.rmsNormEps());
    this.rope = new RopeAppendKernel(launcher, heads, config.rmsNormEps());
    this.workList = new AttentionWorkListKernel(launcher, heads);
    this.decodeAttention = new PagedAttentionDecodeKernel(launcher, heads);
    this.prefillAttention = new PagedAttentionPrefillKernel(launcher, heads);
    this.skinny = skinny;
    this.prefillGemm = new PrefillGemmKernel(launcher);
    this.sample = new SampleKernel(launcher, config.vocabSize());
    this.publish = new PublishKernel(launcher);
  }

  /** The parts of a decode step in their order; those of a layer come once per layer. */
  enum Part {
    WORK_LIST,
    EMBED,
    INPUT_NORM,
    QUERY_KEY_VALUE,
    ROPE_APPEND,
    ATTENTION,
    ATTENTION_OUTPUT,
    POST_ATTENTION_NORM,
    GATE_UP,
    DOWN,
    FINAL_NORM,
    OUTPUT_PROJECTION,
    SAMPLE,
    ADVANCE;

    /** Whether every layer has it. */
    boolean isOfLayer() {
      return compareTo(INPUT_NORM) >= 0 && compareTo(DOWN) <= 0;
    }
  }

  /** One decode step of the batch in the lane state, in a bucket of {@code rows}. */
  void enqueueDecode(int rows) {
    enqueueDecode(rows, part -> true);
  }

  /** The parts of a decode step that are wanted, to measure what the others cost. */
  void enqueueDecode(int rows, Predicate<Part> wanted) {
    for (Part part : Part.values()) {
      if (part == Part.INPUT_NORM) {
        enqueueLayers(rows, wanted);
      } else if (!part.isOfLayer() && wanted.test(part)) {
        enqueueDecodePart(part, 0, rows);
      }
    }
  }

  private void enqueueLayers(int rows, Predicate<Part> wanted) {
    for (int layer = 0; layer < weights.layers().size(); layer++) {
      for (Part part : Part.values()) {
        if (part.isOfLayer() && wanted.test(part)) {
          enqueueDecodePart(part, layer, rows);
        }
      }
    }
  }

  /** One part of a decode step; {@code index} is the layer, 0 for parts outside layers. */
  void enqueueDecodePart(Part part, int index, int rows) {
    DeviceWeights.Layer layer = weights.layers().get(index);
    switch (part) {
      case WORK_LIST ->
          workList.enqueue(
              batch,
              pool.scratch().work(),
              pool.scratch().workCount(),
              pool.scratch().rowChunks(),
              rows);
      case EMBED ->
          embed.enqueueDecode(
              weights.embedding(), sampling.tokenId(), batch.laneOf(), work.residual, rows, hidden);
      case INPUT_NORM ->
          norm.enqueueDecode(work.residual, layer.inputNorm(), work.normed, batch.laneOf(), rows);
      case QUERY_KEY_VALUE ->
          multiply(layer.queryKeyValue(), work.normed, work.queryKeyValue, rows, Epilogue.STORE);
      case ROPE_APPEND ->
          rope.enqueueDecode(
              work.queryKeyValue, layer.constants(), work.ropeTables, batch, targets(index), rows);
      case ATTENTION ->
          decodeAttention.enqueue(
              work.query, pool.layerAddress(index), pool.scratch(), work.attended, rows);
      case ATTENTION_OUTPUT ->
          multiply(layer.attentionOutput(), work.attended, work.residual, rows, Epilogue.RESIDUAL);
      case POST_ATTENTION_NORM ->
          norm.enqueueDecode(
              work.residual, layer.postAttentionNorm(), work.normed, batch.laneOf(), rows);
      case GATE_UP -> multiply(layer.gateUp(), work.normed, work.gated, rows, Epilogue.SILU_MUL);
      case DOWN -> multiply(layer.down(), work.gated, work.residual, rows, Epilogue.RESIDUAL);
      case FINAL_NORM ->
          norm.enqueueDecode(work.residual, weights.finalNorm(), work.normed, batch.laneOf(), rows);
      case OUTPUT_PROJECTION ->
          multiply(weights.outputProjection(), work.normed, work.logits, rows, Epilogue.STORE);
      case SAMPLE -> sample.enqueueDecode(work.logits, batch.laneOf(), sampling, rows);
      case ADVANCE -> publish.enqueueAdvance(batch, outlet, rows);
    }
  }

  /** Logits of the decode batch just computed stay here, {@code [rows, vocab]} float. */
  long logits() {
    return work.logits;
  }

  /**
   * A prefill batch.
   *
   * @param sampled the rows whose next token is drawn
   */
  void enqueuePrefill(Segments segments, SampledRows sampled) {
    int rows = segments.numRows();
    sample.enqueueMarkSeen(segments, work.seen);
    embed.enqueuePrefill(weights.embedding(), segments.tokens(), work.residual, rows, hidden);
    for (int i = 0; i < weights.layers().size(); i++) {
      DeviceWeights.Layer layer = weights.layers().get(i);
      norm.enqueuePrefill(work.residual, layer.inputNorm(), work.normed, rows);
      prefillGemm.enqueue(
          layer.queryKeyValue(),
          work.normed,
          work.queryKeyValue,
          segments.numRowsAddress(),
          rows,
          Epilogue.STORE);
      rope.enqueuePrefill(
          work.queryKeyValue, layer.constants(), work.ropeTables, segments, batch, targets(i));
      prefillAttention.enqueue(work.query, pool.layerAddress(i), segments, batch, work.attended);
      prefillGemm.enqueue(
          layer.attentionOutput(),
          work.attended,
          work.residual,
          segments.numRowsAddress(),
          rows,
          Epilogue.RESIDUAL);
      norm.enqueuePrefill(work.residual, layer.postAttentionNorm(), work.normed, rows);
      prefillGemm.enqueue(
          layer.gateUp(),
          work.normed,
          work.gated,
          segments.numRowsAddress(),
          rows,
          Epilogue.SILU_MUL);
      prefillGemm.enqueue(
          layer.down(),
          work.gated,
          work.residual,
          segments.numRowsAddress(),
          rows,
          Epilogue.RESIDUAL);
    }
    if (sampled.count() > 0) {
      norm.enqueueGather(
          work.residual, weights.finalNorm(), work.normed, sampled.sourceRow(), sampled.count());
      skinny.enqueue(
          weights.outputProjection(),
          work.normed,
          work.logits,
          sampled.countAddress(),
          sampled.count(),
          Epilogue.STORE,
          work.gemmWorkspace);
      sample.enqueuePrefill(work.logits, sampled.laneOf(), sampling, sampled.count());
    }
    publish.enqueuePublish(sampled.laneOf(), outlet, sampled.count());
  }

  /**
   * The last rows of prompts.
   *
   * @param sourceRow device address of their rows in the batch, int32
   * @param laneOf device address of their lanes, int32
   * @param countAddress device address of their number
   * @param count the same
   */
  record SampledRows(long sourceRow, long laneOf, long countAddress, int count) {}

  private void multiply(PackedMatrix matrix, long x, long y, int rows, Epilogue epilogue) {
    skinny.enqueue(matrix, x, y, batch.numRows(), rows, epilogue, work.gemmWorkspace);
  }

  private Targets targets(int layer) {
    return new Targets(
        pool.layerAddress(layer), work.query, pool.ringAddress(layer), pool.ringRows());
  }
}
