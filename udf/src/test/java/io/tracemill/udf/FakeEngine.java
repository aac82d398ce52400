package io.tracemill.udf;

import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.api.TokenCounts;
import io.tracemill.engine.api.TraceText;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine without a model: slots, steps, completion out of order, withdrawal and death are real,
 * the text is made from the prompt. A row takes {@code 1 + hash % spreadSteps} steps, or, without a
 * spread, as many as its token budget.
 */
public final class FakeEngine implements SharedEngine {
  /** How often an engine was opened in this JVM. */
  public static final AtomicInteger OPENED = new AtomicInteger();

  /** Requests that were withdrawn before they finished, in this JVM. */
  public static final AtomicInteger WITHDRAWN = new AtomicInteger();

  private static volatile FakeEngine newest;

  private final EngineSettings settings;
  private final Opener behaviour;
  private final Thread thread;
  private final Deque<Running> waiting = new ArrayDeque<>();
  private final List<Running> running = new ArrayList<>();
  private final long openedNanos = System.nanoTime();
  private long sinceNanos = openedNanos;
  private double laneNanos;
  private long steps;
  private long laneSteps;
  private long finished;
  private boolean closed;
  private boolean dead;

  /**
   * Opens fakes.
   *
   * @param stepMillis what a step takes; 0 for no time at all
   * @param spreadSteps rows take 1 to this many steps; 0 for as many as their token budget
   * @param failAfterRows after so many results the engine dies; 0 for never
   * @param openingError what opening ends in; empty for success
   * @param refusedPolicy name of a KV policy that it cannot run; empty for none
   */
  public record Opener(
      int stepMillis, int spreadSteps, int failAfterRows, String openingError, String refusedPolicy)
      implements EngineOpener {
    /** Of an engine that runs every policy. */
    public Opener(int stepMillis, int spreadSteps, int failAfterRows, String openingError) {
      this(stepMillis, spreadSteps, failAfterRows, openingError, "");
    }

    /** An engine that takes no time and cannot run a policy. */
    public static Opener refusing(String policy) {
      return new Opener(0, 5, 0, "", policy);
    }

    @Override
    public SharedEngine open(EngineSettings settings, KvPolicySettings policy) {
      refuse(policy)
          .ifPresent(
              refused -> {
                throw new ReasoningException(refused.code(), refused.message());
              });
      return open(settings);
    }

    private Optional<RowError> refuse(KvPolicySettings policy) {
      return policy.name().equals(refusedPolicy)
          ? Optional.of(
              new RowError(
                  ErrorCode.INVALID_ARGUMENT,
                  "The fake backend cannot run the KV policy " + policy.name() + "."))
          : Optional.empty();
    }

    @Override
    public SharedEngine open(EngineSettings settings) {
      if (!openingError.isEmpty()) {
        throw new ReasoningException(ErrorCode.INVALID_CHECKPOINT, openingError);
      }
      OPENED.incrementAndGet();
      newest = new FakeEngine(settings, this);
      return newest;
    }
  }

  /** A fake that takes no time. */
  public static Opener fast() {
    return new Opener(0, 5, 0, "");
  }

  private FakeEngine(EngineSettings settings, Opener behaviour) {
    this.settings = settings;
    this.behaviour = behaviour;
    this.thread = new Thread(this::work, "fake-engine");
    thread.setDaemon(true);
    thread.start();
  }

  private static final class Running {
    private final GenerationRequest request;
    private final FakeFeeder feeder;
    private int stepsLeft;

    private Running(GenerationRequest request, FakeFeeder feeder, int stepsLeft) {
      this.request = request;
      this.feeder = feeder;
      this.stepsLeft = stepsLeft;
    }
  }

  private void work() {
    try {
      while (step()) {
        if (behaviour.stepMillis > 0) {
          Thread.sleep(behaviour.stepMillis);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean step() throws InterruptedException {
    while (!closed && waiting.isEmpty() && running.isEmpty()) {
      wait();
    }
    if (closed) {
      return false;
    }
    integrate();
    while (running.size() < settings.slots() && !waiting.isEmpty()) {
      running.add(waiting.poll());
    }
    steps++;
    laneSteps += running.size();
    for (Iterator<Running> each = running.iterator(); each.hasNext(); ) {
      Running lane = each.next();
      if (--lane.stepsLeft <= 0) {
        each.remove();
        finished++;
        lane.feeder.ready.add(result(lane.request));
        if (finished == behaviour.failAfterRows) {
          dead = true;
          return false;
        }
      }
    }
    return true;
  }

  static String promptText(Prompt prompt) {
    if (prompt instanceof Prompt.Text text) {
      return text.text();
    }
    return prompt.toString();
  }

  private GenerationResult result(GenerationRequest request) {
    String prompt = promptText(request.prompt());
    Optional<RowError> refused = behaviour.refuse(request.kvPolicy());
    if (refused.isPresent()) {
      return failed(request, prompt, refused.get());
    }
    if (settings.maxContextTokens() > 0 && prompt.length() > settings.maxContextTokens()) {
      return failed(
          request,
          prompt,
          new RowError(
              ErrorCode.PROMPT_TOO_LONG,
              "The prompt has %d tokens; the context holds %d."
                  .formatted(prompt.length(), settings.maxContextTokens())));
    }
    int sample = request.sampling().isGreedy() ? 0 : request.sampleIndex();
    String answer = "%08x".formatted((prompt + sample).hashCode());
    String trace = "about " + prompt + "</think>\n\\boxed{" + answer + "}";
    int generated = steps(request) + 1;
    return new GenerationResult(
        request.rowKey(),
        request.sampleIndex(),
        FinishReason.STOP,
        Optional.empty(),
        new TraceText(
            trace, "about " + prompt, Optional.of("\\boxed{" + answer + "}"), Optional.of(answer)),
        new TokenCounts(prompt.length(), steps(request), 1, generated),
        List.of(1, 2),
        new KvAccount(
            request.kvPolicy(), 0, generated, generated, generated, generated, 8, 0, 0, List.of()),
        new Timings(1, 1, 10));
  }

  private static GenerationResult failed(GenerationRequest request, String prompt, RowError error) {
    return new GenerationResult(
        request.rowKey(),
        request.sampleIndex(),
        FinishReason.ERROR,
        Optional.of(error),
        TraceText.NONE,
        new TokenCounts(prompt.length(), 0, 0, 0),
        List.of(),
        new KvAccount(request.kvPolicy(), 0, 0, 0, 0, 0, 0, 0, 0, List.of()),
        Timings.NONE);
  }

  private int steps(GenerationRequest request) {
    if (behaviour.spreadSteps == 0) {
      return request.sampling().maxNewTokens();
    }
    return 1 + Math.floorMod(request.rowKey().hashCode(), behaviour.spreadSteps);
  }

  @Override
  public void requirePolicy(KvPolicySettings policy) {
    behaviour
        .refuse(policy)
        .ifPresent(
            refused -> {
              throw new ReasoningException(refused.code(), refused.message());
            });
  }

  @Override
  public Feeder feeder() {
    return new FakeFeeder();
  }

  @Override
  public synchronized EngineSnapshot snapshot() {
    return new EngineSnapshot(
        settings.slots(),
        running.size(),
        waiting.size(),
        0,
        1,
        steps,
        laneSteps,
        0,
        heldSeconds(),
        secondsOpen(),
        0,
        0,
        0,
        laneSteps,
        finished,
        0,
        0,
        laneSteps,
        laneSteps * 2);
  }

  /** Called before the number of running rows changes. */
  private void integrate() {
    long now = System.nanoTime();
    laneNanos += (double) running.size() * (now - sinceNanos);
    sinceNanos = now;
  }

  private double heldSeconds() {
    integrate();
    return laneNanos / 1e9;
  }

  private double secondsOpen() {
    return (System.nanoTime() - openedNanos) / 1e9;
  }

  /** Requests inside the engine that was opened last in this JVM; 0 where there is none. */
  public static int insideNewest() {
    return newest == null ? 0 : newest.inside();
  }

  /** Requests that wait or run now. */
  public synchronized int inside() {
    return waiting.size() + running.size();
  }

  @Override
  public String description() {
    return "fake engine, " + settings.slots() + " slots";
  }

  @Override
  public String backend() {
    return "fake";
  }

  @Override
  public Optional<String> deviceUuid() {
    return Optional.empty();
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    thread.interrupt();
  }

  private final class FakeFeeder implements Feeder {
    private final LinkedBlockingQueue<GenerationResult> ready = new LinkedBlockingQueue<>();
    private int outstanding;

    @Override
    public void submit(GenerationRequest request) {
      synchronized (FakeEngine.this) {
        if (dead) {
          throw new ReasoningException(ErrorCode.ENGINE_DEAD, "The fake engine has died.");
        }
        waiting.add(new Running(request, this, steps(request)));
        FakeEngine.this.notifyAll();
      }
      outstanding++;
    }

    @Override
    public int outstanding() {
      return outstanding;
    }

    @Override
    public Optional<GenerationResult> poll(Duration timeout) {
      if (outstanding == 0) {
        return Optional.empty();
      }
      try {
        GenerationResult result = ready.poll(timeout.toMillis(), TimeUnit.MILLISECONDS);
        if (result != null) {
          outstanding--;
          return Optional.of(result);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      synchronized (FakeEngine.this) {
        if (dead && ready.isEmpty()) {
          throw new ReasoningException(ErrorCode.ENGINE_DEAD, "The fake engine has died.");
        }
      }
      return Optional.empty();
    }

    @Override
    public void close() {
      synchronized (FakeEngine.this) {
        integrate();
        int before = waiting.size() + running.size();
        waiting.removeIf(lane -> lane.feeder == this);
        running.removeIf(lane -> lane.feeder == this);
        WITHDRAWN.addAndGet(before - waiting.size() - running.size());
      }
      outstanding = 0;
    }
  }
}
