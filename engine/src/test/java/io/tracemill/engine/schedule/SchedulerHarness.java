package io.tracemill.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.compress.KvPolicies;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A scheduler over a fake backend on the test's own thread, and what comes out of it. */
final class SchedulerHarness {
  static final Object OWNER = "owner";
  private static final int MAX_STEPS = 200_000;

  final FakeBackend backend;
  final EngineCounters counters = new EngineCounters();
  final Scheduler scheduler;
  final Map<String, FinishedSequence> results = new LinkedHashMap<>();

  SchedulerHarness(FakeBackend backend, SchedulerOptions options) {
    this.backend = backend;
    this.scheduler = new Scheduler(backend, options, counters);
  }

  SchedulerHarness(FakeBackend backend, SchedulerOptions options, Admission admission) {
    this.backend = backend;
    this.scheduler = new Scheduler(backend, options, counters, admission);
  }

  static SchedulerOptions options() {
    return options(SchedulerOptions.AdmissionMode.LOOKAHEAD);
  }

  static SchedulerOptions options(SchedulerOptions.AdmissionMode mode) {
    return new SchedulerOptions(
        100, 8000, 64, mode, Set.of(FakeBackend.STOP_TOKEN), Optional.empty(), 8);
  }

  static SequenceSpec spec(String key, int prompt, int budget, KvPolicySettings policy) {
    int[] tokens = new int[prompt];
    Arrays.setAll(tokens, i -> 2 + (key.hashCode() + i * 31 & 0xFFF));
    return new SequenceSpec(
        key,
        0,
        tokens,
        SamplingParams.greedy(budget),
        KvPolicies.create(policy),
        () -> OutputWatch.NONE);
  }

  void submit(SequenceSpec spec) {
    submit(spec, OWNER);
  }

  void submit(SequenceSpec spec, Object owner) {
    scheduler.submit(
        spec,
        new Ticket() {
          @Override
          public Object owner() {
            return owner;
          }

          @Override
          public void started() {}

          @Override
          public void finished(FinishedSequence result) {
            assertThat(results.put(result.spec().rowKey(), result))
                .as("second result of %s", result.spec().rowKey())
                .isNull();
          }
        },
        System.nanoTime());
  }

  /** Steps until nothing is left and checks that everything was given back. */
  void run() {
    for (int i = 0; !scheduler.isIdle(); i++) {
      assertThat(i).as("steps without an end").isLessThan(MAX_STEPS);
      scheduler.step();
      assertThat(counters.usedPages() + scheduler.freePages()).isEqualTo(backend.info().numPages());
    }
    assertThat(scheduler.freePages()).isEqualTo(backend.info().numPages());
    assertThat(counters.running()).isZero();
  }

  Map<String, FinishedSequence> run(List<SequenceSpec> specs) {
    specs.forEach(this::submit);
    run();
    assertThat(results).hasSameSizeAs(specs);
    return results;
  }
}
