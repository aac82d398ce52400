package io.tracemill.engine.schedule;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.compress.KeepRule;
import io.tracemill.engine.compress.RowPlan;
import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.kvcache.PageAllocator;
import io.tracemill.engine.kvcache.PageTable;
import java.util.Arrays;
import java.util.Optional;

/**
 * One generation from submission to result: its place, its progress, its output. Holds data; what
 * happens to it is decided by the scheduler and its stages.
 */
final class Sequence {
  private static final int NO_LANE = -1;
  private static final int INITIAL_TOKENS = 64;

  /**
   * Where a sequence stands. A running one may have given its lane back and await its last token.
   */
  enum State {
    WAITING,
    RUNNING,
    FINISHED
  }

  private final SequenceSpec spec;
  private final Ticket ticket;
  private final int budgetTokens;
  private int plannedTokens;
  private final long randomKey;

  private State state = State.WAITING;
  private int bypasses;
  private long refusedInEpoch;

  private int lane = NO_LANE;
  private PageTable pages;
  private long originClock;
  private int prefilledTokens;
  private int enqueuedSteps;
  private Optional<SharedPrompt> prompt = Optional.empty();
  private int sharedPages;
  private final SparedRows rows = new SparedRows();

  private OutputWatch outputWatch = OutputWatch.NONE;
  private int[] tokens = new int[INITIAL_TOKENS];
  private int numTokens;
  private final PendingEvents events = new PendingEvents();
  private final SequenceTimes times;

  /**
   * A waiting sequence.
   *
   * @param ticket hears of its start and its end
   * @param budgetTokens output tokens at most, at least 1
   * @param plannedTokens output tokens that admission counts with, at least 1; not binding
   */
  Sequence(
      SequenceSpec spec, Ticket ticket, int budgetTokens, int plannedTokens, long submittedNanos) {
    this.spec = spec;
    this.ticket = ticket;
    this.budgetTokens = budgetTokens;
    this.plannedTokens = Math.min(plannedTokens, budgetTokens);
    this.times = new SequenceTimes(submittedNanos);
    this.randomKey = CounterRandom.key(spec.sampling().seed(), spec.rowKey(), spec.sampleIndex());
  }

  SequenceSpec spec() {
    return spec;
  }

  Object owner() {
    return ticket.owner();
  }

  State state() {
    return state;
  }

  int budgetTokens() {
    return budgetTokens;
  }

  long randomKey() {
    return randomKey;
  }

  CompressionSchedule schedule() {
    return spec.policy().schedule();
  }

  int promptRows() {
    return spec.promptTokens().length;
  }

  /** Decode steps at most: the last token is not fed back. */
  int lastStep() {
    return budgetTokens - 1;
  }

  int peakRows() {
    return schedule().peakRows(promptRows(), lastStep());
  }

  /** The last decode step that admission counts with; the sequence may go on beyond it. */
  int plannedLastStep() {
    return plannedTokens - 1;
  }

  int plannedPeakRows() {
    return schedule().peakRows(promptRows(), plannedLastStep());
  }

  /** Plans twice as long, at most the budget: it was expected to have ended. */
  void planMore() {
    plannedTokens = (int) Math.min(budgetTokens, 2L * plannedTokens);
  }

  int bypasses() {
    return bypasses;
  }

  void bypassed() {
    bypasses++;
  }

  /** When admission last refused it, in admission's own count of changes; 0 for never. */
  long refusedInEpoch() {
    return refusedInEpoch;
  }

  void refuseInEpoch(long epoch) {
    refusedInEpoch = epoch;
  }

  // --- what it shares

  /** The prompt that it shares with others; empty where nothing can be shared. */
  Optional<SharedPrompt> prompt() {
    return prompt;
  }

  void joined(SharedPrompt shared) {
    prompt = Optional.of(shared);
  }

  /** Pages that it shares, or would share were it to start now. */
  int sharedPages() {
    return state == State.WAITING && prompt.isPresent() ? prompt.get().readyPages() : sharedPages;
  }

  /** Prompt tokens that it has to read, or would have to were it to start now. */
  int unsharedPromptTokens() {
    return promptRows() - sharedPages() * KvLayout.PAGE_SIZE_TOKENS;
  }

  // --- its place on the device

  void start(int newLane, PageAllocator allocator, long firstStepClock) {
    sharedPages = sharedPages();
    prefilledTokens = sharedPages * KvLayout.PAGE_SIZE_TOKENS;
    state = State.RUNNING;
    lane = newLane;
    pages = new PageTable(allocator);
    prompt.ifPresent(shared -> shared.started(this));
    originClock = firstStepClock - 1;
    outputWatch = spec.outputWatch().get();
    ticket.started();
  }

  boolean hasLane() {
    return lane != NO_LANE;
  }

  int lane() {
    return lane;
  }

  PageTable pages() {
    return pages;
  }

  /** Gives lane and pages up; tokens in flight are still to come. */
  void leaveLane() {
    lane = NO_LANE;
    prompt.ifPresent(shared -> shared.stopped(this));
    pages.release();
  }

  /**
   * Ends this attempt without a result, so that tokens in flight find a finished sequence, and
   * returns a fresh one that will generate the same tokens.
   */
  Sequence beginAnew() {
    assert !hasLane() && state == State.RUNNING;
    state = State.FINISHED;
    // What was learned of its length stays.
    Sequence again =
        new Sequence(spec, ticket, budgetTokens, plannedTokens, times.submittedNanos());
    prompt.ifPresent(again::joined);
    return again;
  }

  /** Decode step k is planned for scheduler iteration {@code originClock + k}. */
  long originClock() {
    return originClock;
  }

  void moveOrigin(long newOriginClock) {
    originClock = newOriginClock;
  }

  int remainingPromptTokens() {
    return promptRows() - prefilledTokens;
  }

  int prefilledTokens() {
    return prefilledTokens;
  }

  void prefilled(int count, long nanos) {
    times.readsPrompt(nanos);
    prefilledTokens += count;
  }

  int enqueuedSteps() {
    return enqueuedSteps;
  }

  void stepEnqueued() {
    enqueuedSteps++;
  }

  /** Whether no further decode step may follow, whatever its tokens are. */
  boolean isExhausted() {
    return remainingPromptTokens() == 0 && enqueuedSteps >= lastStep();
  }

  /** What is to be compressed, or scored only, after the step just enqueued. */
  Optional<RowPlan> compressionPlan() {
    Optional<RowPlan> plan = schedule().plan(promptRows(), enqueuedSteps);
    if (plan.isEmpty()) {
      return schedule().observation(promptRows(), enqueuedSteps);
    }
    return plan.map(rows::fitted);
  }

  /** Whether fewer candidates may stay than {@link #compressionPlan} says; a look drops none. */
  KeepRule keepRule() {
    return schedule().dueAfter(promptRows(), enqueuedSteps)
        ? spec.policy().keepRule()
        : KeepRule.AS_PLANNED;
  }

  void compressionEnqueued(RowPlan plan, PendingCompression batch, int index, double share) {
    if (schedule().dueAfter(promptRows(), enqueuedSteps)) {
      events.add(enqueuedSteps, plan, batch, index, share);
      if (spec.policy().keepRule() != KeepRule.AS_PLANNED) {
        int bound = schedule().rowsAfter(promptRows(), enqueuedSteps);
        rows.compressed(enqueuedSteps, plan, bound, batch, index);
      }
    }
  }

  /** Rows that a decode step attends to: known, or the bound while the device has not answered. */
  int rowsAttended(int step) {
    return schedule().rowsAttended(promptRows(), step) - rows.spared(step);
  }

  /** Gives back pages that the newest compression did not need after all, where it is known. */
  void settleRows() {
    if (rows.settle()) {
      pages.trim(
          schedule().rowsAfter(promptRows(), enqueuedSteps) - rows.spared(enqueuedSteps + 1));
    }
  }

  // --- its output

  void addToken(int token, long nanos) {
    if (numTokens == tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.min(budgetTokens, numTokens * 2));
    }
    times.token(nanos);
    tokens[numTokens++] = token;
  }

  int numCompletionTokens() {
    return numTokens;
  }

  int newestToken() {
    return tokens[numTokens - 1];
  }

  OutputWatch outputWatch() {
    return outputWatch;
  }

  boolean loops(LoopDetector detector) {
    return detector.loops(tokens, numTokens);
  }

  /** Closes the account and hands the result over; the sequence holds no lane any more. */
  void finish(FinishReason reason, Optional<RowError> error, long rowBytes, long nanos) {
    assert !hasLane() && state != State.FINISHED;
    state = State.FINISHED;
    ticket.finished(
        new FinishedSequence(
            spec,
            reason,
            error,
            Arrays.copyOf(tokens, numTokens),
            account(rowBytes),
            times.until(nanos)));
    events.clear();
    tokens = new int[0];
  }

  private KvAccount account(long rowBytes) {
    if (!times.hasReadPrompt()) {
      return KvAccounting.nothing(spec.policy().settings());
    }
    int steps = Math.max(0, numTokens - 1);
    return KvAccounting.close(spec.policy(), prefilledTokens, steps, rowBytes, events.until(steps));
  }
}
