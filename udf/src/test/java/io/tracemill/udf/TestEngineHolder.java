package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.error.ReasoningException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TestEngineHolder {
  @AfterEach
  void closeEngine() {
    EngineHolder.closeIdle();
    System.clearProperty(EngineHolder.OWNER_PROPERTY);
  }

  @Test
  void manyTasksShareOneEngine() throws Exception {
    int before = FakeEngine.OPENED.get();
    ExecutorService tasks = Executors.newFixedThreadPool(8);
    try {
      List<Callable<String>> calls = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        calls.add(
            () -> {
              try (EngineHolder.Lease lease = lease(FakeSettings.engine(4), FakeEngine.fast())) {
                return lease.backend();
              }
            });
      }
      for (Future<String> name : tasks.invokeAll(calls)) {
        assertThat(name.get()).isEqualTo("fake");
      }
    } finally {
      tasks.shutdownNow();
    }
    assertThat(FakeEngine.OPENED.get() - before).isEqualTo(1);
  }

  @Test
  void otherSettingsReplaceAnIdleEngineAndAreRefusedBesideABusyOne() {
    try (EngineHolder.Lease busy = lease(FakeSettings.engine(4), FakeEngine.fast())) {
      assertThat(busy.description()).isEqualTo("fake engine, 4 slots");
      assertThatThrownBy(() -> lease(FakeSettings.engine(8), FakeEngine.fast()).close())
          .isInstanceOf(ReasoningException.class)
          .hasMessageContaining("other engine settings is using this executor's engine");
    }
    try (EngineHolder.Lease next = lease(FakeSettings.engine(8), FakeEngine.fast())) {
      assertThat(next.description()).isEqualTo("fake engine, 8 slots");
    }
  }

  @Test
  void aSecondCopyOfTheClassIsRefusedInPlainWords() {
    System.setProperty(EngineHolder.OWNER_PROPERTY, "another loader");
    assertThatThrownBy(() -> lease(FakeSettings.engine(4), FakeEngine.fast()).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessage(
            "This JVM already runs an engine of another copy of Tracemill (another loader); put"
                + " the jars on Spark's class path once, not into each session.");
  }

  @Test
  void anEngineThatCannotBeOpenedTellsEveryTaskWhyAndMayBeTriedAgain() {
    FakeEngine.Opener broken = new FakeEngine.Opener(0, 1, 0, "Shard 2 is missing.");
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> lease(FakeSettings.engine(4), broken).close())
          .isInstanceOf(ReasoningException.class)
          .hasMessage("Shard 2 is missing.");
    }
    try (EngineHolder.Lease works = lease(FakeSettings.engine(4), FakeEngine.fast())) {
      assertThat(works.backend()).isEqualTo("fake");
    }
  }

  @Test
  void aPolicyThatTheBackendCannotRunIsRefusedAtOpeningAndByAnEngineThatOthersOpened() {
    EngineOpener noTova = FakeEngine.Opener.refusing("tova");
    KvPolicySettings tova = new KvPolicySettings("tova", 0, 0, 0, "", Map.of("rows", "64"));
    int before = FakeEngine.OPENED.get();
    assertThatThrownBy(() -> lease(noTova, tova).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessage("The fake backend cannot run the KV policy tova.");
    assertThat(FakeEngine.OPENED.get()).as("no model was loaded").isEqualTo(before);
    try (EngineHolder.Lease others = lease(noTova, KvPolicySettings.full())) {
      assertThat(others.backend()).isEqualTo("fake");
      assertThatThrownBy(() -> lease(noTova, tova).close())
          .isInstanceOf(ReasoningException.class)
          .hasMessage("The fake backend cannot run the KV policy tova.");
    }
    // The refused ones have left: the engine is idle and can be closed.
    EngineHolder.closeIdle();
    assertThat(EngineHolder.snapshot()).isEmpty();
  }

  private static EngineHolder.Lease lease(EngineOpener opener, KvPolicySettings policy) {
    return EngineHolder.lease(FakeSettings.engine(4), opener, policy, () -> false);
  }

  @Test
  void aTaskThatIsCancelledWhileTheEngineOpensStopsWaiting() {
    EngineOpener never =
        settings -> {
          try {
            Thread.sleep(3_000);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          return FakeEngine.fast().open(settings);
        };
    long start = System.nanoTime();
    assertThatThrownBy(() -> EngineHolder.lease(FakeSettings.engine(4), never, () -> true).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessage("The task was cancelled while its engine opened.");
    assertThat((System.nanoTime() - start) / 1_000_000).isLessThan(2_000);
  }

  private static EngineHolder.Lease lease(EngineSettings settings, EngineOpener opener) {
    return EngineHolder.lease(settings, opener, () -> false);
  }
}
