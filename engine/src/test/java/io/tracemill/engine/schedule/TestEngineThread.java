package io.tracemill.engine.schedule;

import static io.tracemill.engine.schedule.SchedulerHarness.options;
import static io.tracemill.engine.schedule.SchedulerHarness.spec;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.backend.FakeBackend.Operation;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class TestEngineThread {
  private static final KvPolicySettings FULL = KvPolicySettings.full();
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final FakeBackend.Lengths ENDLESS = key -> Integer.MAX_VALUE;

  @Test
  void severalFeedersShareOneEngineAndEachGetsItsOwn() throws Exception {
    FakeBackend backend =
        new FakeBackend(80, 8, 2, key -> 1 + (int) Long.remainderUnsigned(key, 120));
    ExecutorService feeders = Executors.newFixedThreadPool(4);
    try (EngineThread engine = EngineThread.start("engine", () -> backend, options())) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int feeder = 0; feeder < 4; feeder++) {
        String name = "feeder " + feeder;
        all.add(feeders.submit(() -> feed(engine, name, 60)));
      }
      for (Future<Integer> feeder : all) {
        assertThat(feeder.get()).isEqualTo(60);
      }
      assertThat(engine.counters().finishedRequests()).isEqualTo(240);
      assertThat(engine.counters().usedPages()).isZero();
    } finally {
      feeders.shutdownNow();
    }
    assertThat(backend.isClosed()).isTrue();
  }

  private static int feed(EngineThread engine, String name, int rows) {
    Set<String> keys = new HashSet<>();
    try (RequestChannel channel = engine.channel()) {
      for (int i = 0; i < rows; i++) {
        channel.submit(spec(name + " row " + i, 5 + i, 100, KvPolicySettings.rpc(16, 4, 4)));
        channel.poll(Duration.ZERO).ifPresent(result -> keys.add(result.spec().rowKey()));
      }
      while (channel.outstanding() > 0) {
        keys.add(channel.poll(LONG).orElseThrow().spec().rowKey());
      }
      assertThat(channel.poll(LONG)).as("nothing is outstanding").isEmpty();
    }
    assertThat(keys).allMatch(key -> key.startsWith(name + " row "));
    return keys.size();
  }

  @Test
  void resultsComeInTheOrderOfCompletion() {
    try (EngineThread engine = start(new FakeBackend(80, 8, 1, ENDLESS));
        RequestChannel channel = engine.channel()) {
      channel.submit(spec("long", 5, 2000, FULL));
      channel.submit(spec("short", 5, 3, FULL));
      assertThat(channel.poll(LONG)).map(r -> r.spec().rowKey()).contains("short");
      assertThat(channel.poll(LONG)).map(r -> r.spec().rowKey()).contains("long");
    }
  }

  @Test
  void submitWaitsWhileTheQueueIsFullAndAnInterruptEndsTheWait() throws Exception {
    FakeBackend backend = new FakeBackend(80, 1, 1, ENDLESS);
    CountDownLatch release = new CountDownLatch(1);
    backend.onOperation(
        (operation, size) -> {
          if (operation == Operation.DECODE) {
            awaitQuietly(release);
          }
        });
    AtomicInteger submitted = new AtomicInteger();
    try (EngineThread engine = start(backend);
        RequestChannel channel = engine.channel()) {
      CountDownLatch ended = new CountDownLatch(1);
      Thread feeder =
          new Thread(
              () -> {
                try {
                  for (int i = 0; i < 100; i++) {
                    channel.submit(spec("row " + i, 5, 5, FULL));
                    submitted.incrementAndGet();
                  }
                } catch (CancellationException e) {
                  assertThat(Thread.currentThread().isInterrupted()).isTrue();
                  ended.countDown();
                }
              });
      feeder.start();
      int runningAndWaiting = 1 + options().channelCapacity();
      while (submitted.get() < runningAndWaiting) {
        Thread.sleep(1);
      }
      Thread.sleep(50);
      assertThat(submitted.get()).isEqualTo(runningAndWaiting);
      feeder.interrupt();
      assertThat(ended.await(20, TimeUnit.SECONDS)).isTrue();
      release.countDown();
      feeder.join();
    }
  }

  @Test
  void aClosedChannelLeavesWithinOneStepAndOthersGoOn() throws Exception {
    FakeBackend backend = new FakeBackend(80, 4, 1, ENDLESS);
    Semaphore steps = new Semaphore(0);
    backend.onOperation(
        (operation, size) -> {
          if (operation == Operation.DECODE) {
            steps.acquireUninterruptibly();
          }
        });
    try (EngineThread engine = start(backend);
        RequestChannel stays = engine.channel()) {
      stays.submit(spec("stays", 5, 10, FULL));
      RequestChannel leaves = engine.channel();
      leaves.submit(spec("leaves", 5, 1000, FULL));
      steps.release(3);
      while (engine.counters().running() < 2) {
        Thread.sleep(1);
      }
      leaves.close();
      leaves.close();
      assertThatThrownBy(() -> leaves.submit(spec("late", 5, 5, FULL)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the channel is closed");
      steps.release(1000);
      assertThat(stays.poll(LONG)).map(FinishedSequence::reason).contains(FinishReason.LENGTH);
      assertThat(engine.counters().finishedRequests()).isEqualTo(2);
      assertThat(engine.counters().generatedTokens()).isLessThan(40);
    }
  }

  @Test
  void aDeadDeviceHandsOutWhatWasFinishedAndThenSaysSo() {
    FakeBackend backend = new FakeBackend(80, 4, 1, ENDLESS);
    AtomicInteger steps = new AtomicInteger();
    backend.onOperation(
        (operation, size) -> {
          if (operation == Operation.DECODE && steps.incrementAndGet() > 50) {
            throw new ReasoningException(ErrorCode.DEVICE_FAILED, "The device is lost.");
          }
        });
    EngineThread engine = start(backend);
    RequestChannel channel = engine.channel();
    RequestChannel idle = engine.channel();
    channel.submit(spec("short", 5, 10, FULL));
    channel.submit(spec("long", 5, 1000, FULL));
    assertThat(channel.poll(LONG)).map(r -> r.spec().rowKey()).contains("short");
    for (int i = 0; i < 2; i++) {
      assertDead(() -> channel.poll(LONG));
    }
    assertDead(() -> channel.submit(spec("more", 5, 5, FULL)));
    assertDead(() -> idle.submit(spec("more", 5, 5, FULL)));
    assertDead(engine::channel);
    channel.close();
    engine.close();
    assertThat(backend.isClosed()).isTrue();
  }

  private static void assertDead(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ENGINE_DEAD))
        .hasMessage("The engine has failed and takes no more work: The device is lost.");
  }

  @Test
  void aCallThatDoesNotComeBackIsADeadEngine() throws Exception {
    FakeBackend backend = new FakeBackend(80, 4, 1, ENDLESS);
    AtomicInteger steps = new AtomicInteger();
    CountDownLatch stuck = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    backend.onOperation(
        (operation, size) -> {
          if (operation == Operation.DECODE && steps.incrementAndGet() > 30) {
            stuck.countDown();
            awaitQuietly(release);
          }
        });
    Duration limit = Duration.ofMillis(400);
    EngineThread engine =
        EngineThread.start(
            "engine",
            () -> {
              sleepQuietly(900); // Loading takes longer than any call may.
              return backend;
            },
            options(),
            limit);
    Thread.sleep(900); // So does waiting for work.
    RequestChannel channel = engine.channel();
    channel.submit(spec("short", 5, 10, FULL));
    channel.submit(spec("long", 5, 1000, FULL));
    assertThat(stuck.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(channel.poll(LONG)).map(r -> r.spec().rowKey()).contains("short");
    long start = System.nanoTime();
    assertThatThrownBy(() -> channel.poll(LONG))
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ENGINE_DEAD))
        .hasMessage(
            "The engine has failed and takes no more work: The backend has not come back from"
                + " decoding (lanes: 1) within 400 ms, the limit for one call; it is taken for hung.");
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    engine.close();
    assertThat(engine.hasEnded()).as("it cannot be stopped").isFalse();
    assertThat(backend.isClosed()).isFalse();

    release.countDown();
    while (!engine.hasEnded()) {
      Thread.sleep(1);
    }
    assertThat(backend.isClosed()).as("by the thread that came back late").isTrue();
    assertThat(engine.counters().finishedRequests()).isEqualTo(1);
  }

  @Test
  void closingWhileRunningCancelsEverythingAndDeliversIt() {
    FakeBackend backend = new FakeBackend(80, 2, 2, ENDLESS);
    EngineThread engine = start(backend);
    RequestChannel channel = engine.channel();
    for (int i = 0; i < 6; i++) {
      channel.submit(spec("row " + i, 5, 4000, FULL));
    }
    engine.close();
    engine.close();
    List<FinishReason> reasons = new ArrayList<>();
    while (channel.outstanding() > 0) {
      reasons.add(channel.poll(LONG).orElseThrow().reason());
    }
    assertThat(reasons).hasSize(6).containsOnly(FinishReason.CANCELLED);
    assertThatThrownBy(() -> channel.submit(spec("late", 5, 5, FULL)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the engine is closed");
    assertThat(backend.isClosed()).isTrue();
  }

  @Test
  void aBackendThatDoesNotOpenIsTheCallersError() {
    assertThatThrownBy(
            () ->
                EngineThread.start(
                    "engine",
                    () -> {
                      throw new ReasoningException(ErrorCode.OUT_OF_MEMORY, "No room.");
                    },
                    options()))
        .isInstanceOf(ReasoningException.class)
        .hasMessage("No room.");
  }

  @Test
  void anIdleEngineWaitsAndWakesUp() throws Exception {
    FakeBackend backend = new FakeBackend(80, 2, 1, ENDLESS);
    try (EngineThread engine = start(backend);
        RequestChannel channel = engine.channel()) {
      for (int i = 0; i < 3; i++) {
        channel.submit(spec("row " + i, 5, 5, FULL));
        Optional<FinishedSequence> result = channel.poll(LONG);
        assertThat(result).isPresent();
        Thread.sleep(20);
      }
      assertThat(engine.counters().steps()).isEqualTo(12);
    }
  }

  private static EngineThread start(FakeBackend backend) {
    return EngineThread.start("engine", () -> backend, options());
  }

  private static void sleepQuietly(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
