package io.tracemill.udf.ml;

import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.api.TokenCounts;
import io.tracemill.engine.api.TraceText;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.SharedEngine;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine whose answers depend on the settings of a request as a model's might: prompt {@code n}
 * is answered with {@code n} where it is not too hard, and the harder the cache is compressed and
 * the hotter tokens are drawn, the fewer are easy enough. It answers at once.
 */
public final class GradedEngine implements SharedEngine {
  /** Requests that reached an engine of this JVM. */
  public static final AtomicInteger ASKED = new AtomicInteger();

  /** Engines that were opened in this JVM. */
  public static final AtomicInteger OPENED = new AtomicInteger();

  private static final int TOKENS = 100;
  private static final int PROMPTS_OF_A_HUNDRED = 100;

  private final int slots;

  private GradedEngine(int slots) {
    this.slots = slots;
  }

  /** Opens them; travels in closures. */
  public enum Opener implements EngineOpener {
    /** The only one. */
    INSTANCE;

    @Override
    public SharedEngine open(EngineSettings settings) {
      OPENED.incrementAndGet();
      return new GradedEngine(settings.slots());
    }
  }

  /** Of a hundred prompts 0 to 99, how many these settings answer rightly. */
  public static int rightOfHundred(int intervalTokens, int windowTokens, int ratio, double heat) {
    int lost = ratio == 0 ? 0 : 5 * ratio + 640 / windowTokens + intervalTokens / 256;
    return Math.max(0, PROMPTS_OF_A_HUNDRED - lost - (int) Math.round(20 * heat));
  }

  private GenerationResult answer(GenerationRequest request) {
    ASKED.incrementAndGet();
    int number = Integer.parseInt(((Prompt.Text) request.prompt()).text().strip());
    var kv = request.kvPolicy();
    boolean right =
        number % PROMPTS_OF_A_HUNDRED
            < rightOfHundred(
                kv.intervalTokens(),
                kv.windowTokens(),
                kv.ratio(),
                request.sampling().temperature());
    String answer = right ? Integer.toString(number) : "no idea";
    double rows = kv.ratio() == 0 ? TOKENS : (double) TOKENS / kv.ratio();
    return new GenerationResult(
        request.rowKey(),
        request.sampleIndex(),
        FinishReason.STOP,
        Optional.empty(),
        new TraceText(answer, "", Optional.of(answer), Optional.of(answer)),
        new TokenCounts(5, 0, TOKENS, TOKENS),
        List.of(1),
        new KvAccount(kv, 0, TOKENS, (long) rows, (long) rows, rows, 8, 0, 0, List.of()),
        new Timings(1, 1, 10));
  }

  @Override
  public Feeder feeder() {
    Deque<GenerationResult> ready = new ArrayDeque<>();
    return new Feeder() {
      @Override
      public void submit(GenerationRequest request) {
        ready.add(answer(request));
      }

      @Override
      public int outstanding() {
        return ready.size();
      }

      @Override
      public Optional<GenerationResult> poll(Duration timeout) {
        return Optional.ofNullable(ready.poll());
      }

      @Override
      public void close() {
        ready.clear();
      }
    };
  }

  @Override
  public EngineSnapshot snapshot() {
    return new EngineSnapshot(slots, 0, 0, 0, 1, 0, 0, 0, 0.0, 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  @Override
  public String description() {
    return "graded engine";
  }

  @Override
  public String backend() {
    return "graded";
  }

  @Override
  public Optional<String> deviceUuid() {
    return Optional.empty();
  }

  @Override
  public void close() {}
}
