package io.tracemill.engine.schedule;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.error.ErrorType;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.kvcache.PageAllocator;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Continuous batching over one backend. Each iteration admits what fits, feeds one batch of prompt
 * tokens, advances all running lanes by one token, compresses those that are due, frees their
 * pages, and reads tokens: with one step in flight those just enqueued, with two those of the
 * iteration before, so that the host prepares a step while one runs. Sequences join and leave at
 * every iteration.
 *
 * <p><b>Threads.</b> One, the engine's.
 */
final class Scheduler implements Shedder {
  private final Backend backend;
  private final SchedulerOptions options;
  private final EngineCounters counters;
  private final long rowBytes;
  private final int stepsInFlight;
  private final PageAllocator allocator;
  private final Admission admission;
  private final StopRules stopRules;
  private final Refusals refusals;
  private final PrefillStage prefill;
  private final DecodeStage decode;
  private final CompressionStage compression;
  private final SharedPrompts prompts;

  private final WaitingLine waiting = new WaitingLine();
  private final List<Sequence> running = new ArrayList<>();
  private final ArrayDeque<InFlight> inFlight = new ArrayDeque<>();
  private final Lanes lanes;
  private long clock;

  Scheduler(Backend backend, SchedulerOptions options, EngineCounters counters) {
    this(backend, options, counters, Admission.of(options, backend.info().numPages()));
  }

  /** With an admission of the caller's choice. */
  Scheduler(
      Backend backend, SchedulerOptions options, EngineCounters counters, Admission admission) {
    BackendInfo info = backend.info();
    this.backend = backend;
    this.options = options;
    this.counters = counters;
    this.admission = admission;
    this.rowBytes = info.kvLayout().rowBytes();
    this.stepsInFlight = info.stepsInFlight();
    this.allocator = new PageAllocator(info.numPages());
    this.stopRules =
        new StopRules(options.stopTokens(), options.maxContextTokens(), options.loopRule());
    this.refusals = new Refusals(options, allocator.totalPages());
    this.prefill = new PrefillStage(backend, options.prefillChunkTokens(), this, counters);
    this.decode = new DecodeStage(backend, allocator, admission, this, counters);
    this.compression = new CompressionStage(backend, this);
    this.prompts = new SharedPrompts(allocator, admission);
    this.lanes = new Lanes(info.maxLanes());
  }

  /**
   * Queues a sequence. One that could never run ends at once with an error.
   *
   * @param ticket hears of the result exactly once, on this thread
   */
  void submit(SequenceSpec spec, Ticket ticket, long submittedNanos) {
    int budgetTokens = stopRules.budgetTokens(spec);
    int plannedTokens =
        options.admission() == SchedulerOptions.AdmissionMode.EXPECTED
            ? spec.expectedTokens().orElse(Integer.MAX_VALUE)
            : Integer.MAX_VALUE;
    Sequence sequence =
        new Sequence(spec, ticket, Math.max(1, budgetTokens), plannedTokens, submittedNanos);
    Optional<RowError> error = refusals.refusal(sequence, budgetTokens);
    if (error.isPresent()) {
      finish(sequence, FinishReason.ERROR, error);
    } else {
      prompts.join(sequence);
      waiting.addLast(sequence);
    }
  }

  /** Ends the sequences of the owners that match; their lanes are free at once. */
  void cancel(Predicate<Object> owners) {
    Predicate<Sequence> matches = sequence -> owners.test(sequence.owner());
    waiting.removeIf(
        matches, sequence -> finish(sequence, FinishReason.CANCELLED, Optional.empty()));
    for (Sequence sequence : List.copyOf(running)) {
      if (matches.test(sequence)) {
        finish(sequence, FinishReason.CANCELLED, Optional.empty());
      }
    }
    publish();
  }

  /** Whether there is nothing to do. */
  boolean isIdle() {
    return waiting.size() == 0 && running.isEmpty() && inFlight.isEmpty();
  }

  /** Pages of the pool that no sequence holds. */
  int freePages() {
    return allocator.freePages();
  }

  /** One iteration. */
  void step() {
    clock++;
    admission.advance(clock);
    admit();
    InFlight enqueued = new InFlight();
    startDecoding(prefill.enqueue(enqueued));
    if (stepsInFlight == 1) {
      read(enqueued);
      enqueued = new InFlight();
    }
    List<Sequence> stepped = decode.enqueue(clock, enqueued);
    compression.enqueue(stepped);
    for (int i = 0; i < stepped.size(); i++) {
      leaveIfExhausted(stepped.get(i));
    }
    boolean nothingEnqueued = enqueued.isEmpty();
    if (nothingEnqueued) {
      if (inFlight.isEmpty() && prefill.isEmpty() && decode.isStarved()) {
        makeRoom();
      }
    } else {
      inFlight.addLast(enqueued);
    }
    while (inFlight.size() >= stepsInFlight || (nothingEnqueued && !inFlight.isEmpty())) {
      read(inFlight.removeFirst());
    }
    publish();
  }

  // --- joining

  private void admit() {
    while (lanes.mayStart()) {
      Optional<Sequence> next = waiting.next(Scheduler::isOnHold, this::fitsNow);
      if (next.isEmpty() && !prompts.dropIdle(waiting.first().flatMap(Sequence::prompt))) {
        return;
      }
      if (next.isPresent() && !start(next.get())) {
        return;
      }
    }
  }

  /** While another one reads the same prompt: in a few iterations its pages can be shared. */
  private static boolean isOnHold(Sequence sequence) {
    return sequence.prompt().isPresent() && sequence.prompt().get().isBeingRead();
  }

  private boolean fitsNow(Sequence sequence) {
    return KvLayout.pagesFor(sequence.promptRows()) - sequence.sharedPages()
            <= allocator.freePages()
        && admission.fits(sequence, firstStepClock(sequence));
  }

  /** The iteration of its first decode step: that in which the last of its prompt is fed. */
  private long firstStepClock(Sequence sequence) {
    return clock + prefill.iterationsFor(sequence.unsharedPromptTokens()) - 1;
  }

  private boolean start(Sequence sequence) {
    int lane = lanes.next();
    SequenceSpec spec = sequence.spec();
    try {
      backend.startLane(
          new LaneStart(
              lane,
              spec.sampling(),
              sequence.randomKey(),
              spec.promptTokens(),
              spec.policy().needs().queryRingDepth(),
              sequence.sharedPages() * KvLayout.PAGE_SIZE_TOKENS));
    } catch (ReasoningException e) {
      Shedder.requireInsufficientResources(e);
      if (running.isEmpty()) {
        finish(
            sequence,
            FinishReason.ERROR,
            Optional.of(ScheduleErrors.outOfMemory("starting the lane", e)));
      } else {
        waiting.addFirst(sequence);
        lanes.limitToThoseInUse();
      }
      return false;
    }
    lanes.take();
    sequence.start(lane, allocator, firstStepClock(sequence));
    counters.sharedPromptTokens.add(sequence.prefilledTokens());
    admission.admit(sequence);
    running.add(sequence);
    prefill.add(sequence);
    sequence.pages().grow(sequence.promptRows());
    try {
      backend.mapPages(lane, 0, sequence.pages().pagesFrom(0));
    } catch (ReasoningException e) {
      Shedder.requireInsufficientResources(e);
      shed(sequence, "mapping pages", e);
      return false;
    }
    return true;
  }

  private void startDecoding(List<Sequence> promptComplete) {
    for (Sequence sequence : promptComplete) {
      sequence.prompt().ifPresent(prompt -> prompt.read(sequence));
      decode.add(sequence);
      leaveIfExhausted(sequence);
    }
  }

  // --- leaving

  /** A sequence whose last step is enqueued needs its lane no more, whatever its token will be. */
  private void leaveIfExhausted(Sequence sequence) {
    if (sequence.hasLane() && sequence.isExhausted()) {
      leaveLane(sequence);
    }
  }

  private void leaveLane(Sequence sequence) {
    prefill.remove(sequence);
    decode.remove(sequence);
    admission.release(sequence);
    backend.endLane(sequence.lane());
    lanes.giveBack(sequence.lane());
    sequence.leaveLane();
  }

  private void finish(Sequence sequence, FinishReason reason, Optional<RowError> error) {
    if (sequence.hasLane()) {
      leaveLane(sequence);
    }
    running.remove(sequence);
    prompts.leave(sequence);
    counters.finishedRequests.increment();
    if (reason == FinishReason.ERROR) {
      counters.failedRequests.increment();
    } else {
      lanes.endedWell();
    }
    publish();
    sequence.finish(reason, error, rowBytes, System.nanoTime());
  }

  @Override
  public void shed(Sequence sequence, String doing, ReasoningException cause) {
    assert cause.code().type() == ErrorType.INSUFFICIENT_RESOURCES;
    if (lanes.inUse() > 1) {
      restart(sequence);
      lanes.limitToThoseInUse();
    } else {
      finish(sequence, FinishReason.ERROR, Optional.of(ScheduleErrors.outOfMemory(doing, cause)));
    }
  }

  /** All lanes wait for pages of each other: the one that loses least begins anew. */
  private void makeRoom() {
    if (prompts.dropIdle(Optional.empty())) {
      return;
    }
    restart(decode.youngest());
    lanes.limitToThoseInUse();
  }

  /** Draws depend on the token index alone, so the second attempt gives the same tokens. */
  private void restart(Sequence sequence) {
    leaveLane(sequence);
    running.remove(sequence);
    waiting.addFirst(sequence.beginAnew());
    counters.restarts.increment();
  }

  // --- reading tokens

  private void read(InFlight iteration) {
    int laneSteps = 0;
    for (InFlight.Batch batch : iteration.batches()) {
      int[] tokens = batch.tokens().await();
      long nanos = System.nanoTime();
      for (int i = 0; i < tokens.length; i++) {
        Sequence sequence = batch.sequences()[i];
        if (sequence.state() == Sequence.State.RUNNING) {
          if (batch.stage() == InFlight.Stage.DECODE) {
            countStep(sequence);
            laneSteps++;
          }
          accept(sequence, tokens[i], nanos);
        }
      }
    }
    if (laneSteps > 0) {
      counters.steps.increment();
      counters.laneSteps.add(laneSteps);
      counters.usedPageSteps.add(allocator.usedPages());
    }
  }

  private void countStep(Sequence sequence) {
    int step = sequence.numCompletionTokens();
    counters.attendedRows.add(sequence.rowsAttended(step));
    counters.fullAttendedRows.add((long) sequence.promptRows() + step);
    if (sequence.schedule().dueAfter(sequence.promptRows(), step)) {
      counters.compressions.increment();
    }
  }

  private void accept(Sequence sequence, int token, long nanos) {
    if (token == PendingTokens.NO_TOKEN) {
      RowError error = ScheduleErrors.notFinite(sequence.numCompletionTokens());
      finish(sequence, FinishReason.ERROR, Optional.of(error));
      return;
    }
    sequence.addToken(token, nanos);
    counters.generatedTokens.increment();
    Optional<FinishReason> reason;
    try {
      reason = stopRules.check(sequence);
    } catch (RuntimeException e) {
      // The watch is the caller's code; its failure is the row's, not the engine's.
      finish(sequence, FinishReason.ERROR, Optional.of(ScheduleErrors.watchFailed(e)));
      return;
    }
    if (reason.isPresent()) {
      finish(sequence, reason.get(), Optional.empty());
    }
  }

  private void publish() {
    counters.publish(lanes.inUse(), waiting.size(), allocator.usedPages());
  }
}
