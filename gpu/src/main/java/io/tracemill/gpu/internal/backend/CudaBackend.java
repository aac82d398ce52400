package io.tracemill.gpu.internal.backend;

import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.error.ErrorType;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.gpu.internal.backend.LaneState.Field;
import io.tracemill.gpu.internal.device.CudaErrors;
import io.tracemill.gpu.internal.device.DriverException;
import io.tracemill.gpu.internal.kernel.AttentionWorkListKernel;
import io.tracemill.gpu.internal.kernel.SampleKernel;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One model on one GPU. Every call enqueues and returns; only the pending results wait. All work
 * goes to one stream, which gives the call order its effect.
 *
 * <p>After a driver error the backend is dead: later calls say so, and only {@link #close} does
 * anything.
 */
public final class CudaBackend implements Backend {
  private static final Logger LOG = LoggerFactory.getLogger(CudaBackend.class);
  private static final int STEPS_IN_FLIGHT = 2;

  private final CudaSession session;
  private final BackendInfo info;
  private final LaneBook book;
  private final UnsettledRows unsettled;
  private Thread engineThread = Thread.currentThread();
  private ReasoningException failure;
  private boolean closed;

  CudaBackend(CudaSession session) {
    this.session = session;
    this.book = new LaneBook(session.options().maxLanes());
    this.unsettled = new UnsettledRows(session.options().maxLanes());
    this.info =
        new BackendInfo(
            "cuda",
            session.device().summary(),
            Optional.of(session.device().uuid()),
            "bf16",
            session.pool().layout(),
            session.pool().numPages(),
            session.options().maxLanes(),
            STEPS_IN_FLIGHT,
            false,
            session.memory().table());
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public void startLane(LaneStart start) {
    guarded(
        "starting a lane",
        () -> {
          int lane = start.lane();
          if (start.queryRingDepth() > session.options().queryRingDepth()) {
            throw new IllegalArgumentException(
                "lane %d asks for %d queries; the backend was opened for %d"
                    .formatted(lane, start.queryRingDepth(), session.options().queryRingDepth()));
          }
          book.start(lane, start.presetRows());
          unsettled.forget(lane);
          SamplingParams sampling = start.sampling();
          LaneState lanes = session.lanes();
          lanes.force(Field.POSITION, lane, start.presetRows());
          lanes.force(Field.KV_LEN, lane, start.presetRows());
          lanes.force(Field.TOKEN_ID, lane, 0);
          lanes.force(Field.TOKEN_INDEX, lane, 0);
          lanes.force(
              Field.INVERSE_TEMPERATURE,
              lane,
              sampling.isGreedy() ? 0f : 1 / sampling.temperature());
          lanes.force(Field.TOP_K, lane, sampling.topK());
          lanes.force(Field.TOP_P, lane, sampling.topP());
          lanes.force(Field.MIN_P_KEY, lane, SampleKernel.minPKey(sampling.minP()));
          lanes.force(Field.REPETITION_PENALTY, lane, sampling.repetitionPenalty());
          lanes.setSeed(lane, start.randomKey());
          session.clearSeen(lane);
          session.compressor().startLane(lane);
          return null;
        });
  }

  @Override
  public void mapPages(int lane, int firstEntry, int[] pages) {
    guarded(
        "mapping pages",
        () -> {
          book.requireTaken(lane);
          for (int i = 0; i < pages.length; i++) {
            if (pages[i] < 0 || pages[i] >= info.numPages()) {
              throw new IllegalArgumentException(
                  "no page %d; there are %d".formatted(pages[i], info.numPages()));
            }
            session.lanes().setPage(lane, firstEntry + i, pages[i]);
          }
          return null;
        });
  }

  @Override
  public void endLane(int lane) {
    guarded(
        "ending a lane",
        () -> {
          book.end(lane);
          session.lanes().forgetPages(lane);
          return null;
        });
  }

  @Override
  public PendingTokens prefill(List<PrefillChunk> chunks) {
    String doing = "prefill of " + chunks.size() + " chunks";
    return guarded(
        doing,
        () -> {
          for (PrefillChunk chunk : chunks) {
            int rows = chunk.tokens().length;
            book.append(chunk.lane(), chunk.firstPosition(), rows, chunk.last());
            requireMapped(chunk.lane(), chunk.firstPosition(), rows);
          }
          session.mailbox().prepareNext();
          session.lanes().flush();
          PrefillStage.Staged staged = session.prefillStage().enqueue(chunks);
          session.transformer().enqueuePrefill(staged.segments(), staged.sampled());
          for (PrefillChunk chunk : chunks) {
            int lane = chunk.lane();
            session.lanes().force(Field.POSITION, lane, book.position(lane));
            session.lanes().force(Field.KV_LEN, lane, book.rows(lane));
          }
          return session.mailbox().enqueued(staged.sampled().count(), doing);
        });
  }

  @Override
  public PendingTokens decode(int[] lanes) {
    String doing = "decoding " + lanes.length + " lanes";
    return guarded(
        doing,
        () -> {
          long items = 0;
          for (int lane : lanes) {
            book.requirePrompted(lane);
            // Pages past the rows that are really held may be gone once the caller knows of them.
            settled(lane, unsettled.takeIfKnown(lane));
            requireMapped(lane, book.rows(lane), 1);
            items += book.rows(lane) / AttentionWorkListKernel.CHUNK_ROWS + 1;
          }
          if (items > session.pool().attentionItems()) {
            // Lanes that share pages attend to more rows than the pool holds: in smaller batches.
            throw CudaErrors.tooManyAttendedRows(
                lanes.length, items, session.pool().attentionItems());
          }
          int bucket = BatchBuckets.bucketFor(lanes.length);
          session.mailbox().prepareNext();
          session.lanes().setBatch(lanes, bucket);
          session.lanes().flush();
          session.graphs().launch(bucket);
          for (int lane : lanes) {
            book.advance(lane);
          }
          return session.mailbox().enqueued(lanes.length, doing);
        });
  }

  @Override
  public PendingCompression compress(List<LaneCompression> compressions) {
    return guarded(
        "compressing " + compressions.size() + " lanes",
        () -> {
          session.compressor().prepare(compressions);
          for (LaneCompression compression : compressions) {
            int lane = compression.lane();
            book.requirePrompted(lane);
            settled(lane, unsettled.take(lane));
            book.compress(lane, compression.plan().rowsBefore(), compression.plan().rowsAfter());
          }
          session.lanes().flush();
          PendingCompression pending =
              session.compressor().enqueue(compressions, lane -> book.position(lane) - 1);
          for (int i = 0; i < compressions.size(); i++) {
            int lane = compressions.get(i).lane();
            if (compressions.get(i).keep() == KeepRule.AS_PLANNED) {
              session.lanes().force(Field.KV_LEN, lane, book.rows(lane));
            } else {
              unsettled.begin(lane, pending, i);
            }
          }
          return pending;
        });
  }

  /** The device's part, for benchmarks and tests of this module. */
  CudaSession session() {
    return session;
  }

  /** Gives a lane rows that nobody computed; its pages are mapped. For measurements. */
  void assumeRows(int lane, int rows) {
    assumeRows(lane, rows, true);
  }

  /** Gives a lane rows that its prompt is appended to. For measurements. */
  void assumeRowsBeforePrompt(int lane, int rows) {
    assumeRows(lane, rows, false);
  }

  private void assumeRows(int lane, int rows, boolean wholePrompt) {
    book.assume(lane, rows, wholePrompt);
    session.lanes().force(Field.POSITION, lane, rows);
    session.lanes().force(Field.KV_LEN, lane, rows);
  }

  /** Takes in that a lane holds fewer rows than its last compression's plan said. */
  private void settled(int lane, int rowsBeyondPlan) {
    if (rowsBeyondPlan > 0) {
      book.droppedBeyondPlan(lane, rowsBeyondPlan);
      session.compressor().droppedBeyondPlan(lane, rowsBeyondPlan);
    }
  }

  private void requireMapped(int lane, int firstRow, int numRows) {
    int last = (firstRow + numRows - 1) / KvLayout.PAGE_SIZE_TOKENS;
    for (int entry = firstRow / KvLayout.PAGE_SIZE_TOKENS; entry <= last; entry++) {
      if (session.lanes().page(lane, entry) < 0) {
        throw new IllegalStateException(
            "row %d of lane %d has no page".formatted(entry * KvLayout.PAGE_SIZE_TOKENS, lane));
      }
    }
  }

  /** Runs a call with this thread's context set and driver errors translated. */
  private <T> T guarded(String doing, Supplier<T> call) {
    if (closed) {
      throw new IllegalStateException("the CUDA backend is closed; " + doing + " is not possible");
    }
    if (failure != null) {
      throw CudaErrors.deviceFailedBefore(doing, failure);
    }
    try {
      if (Thread.currentThread() != engineThread) {
        session.makeCurrent();
        engineThread = Thread.currentThread();
      }
      return call.get();
    } catch (DriverException e) {
      failure = CudaErrors.deviceFailed(doing, e);
      throw failure;
    } catch (ReasoningException e) {
      if (e.code().type() == ErrorType.DEVICE) {
        failure = e;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      session.makeCurrent();
      session.close();
    } catch (DriverException e) {
      // A context that has failed frees nothing; the process has to end anyway.
      LOG.warn("Closing the CUDA backend: {}", e.getMessage());
    }
    if (failure == null && session.memory().openBuffers() != 0) {
      LOG.error(
          "{} device buffers were not freed: {}",
          session.memory().openBuffers(),
          session.memory().usage());
    }
  }
}
