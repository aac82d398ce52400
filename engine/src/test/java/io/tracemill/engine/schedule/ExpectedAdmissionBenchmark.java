package io.tracemill.engine.schedule;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.backend.CounterRandom;
import io.tracemill.engine.backend.FakeBackend;
import io.tracemill.engine.schedule.SchedulerOptions.AdmissionMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What admission by expected lengths is worth, in decode steps of the real scheduler over a backend
 * without arithmetic: the demo's traces on a pool that holds a few of them at their whole budget. A
 * program, no test: run its main from the module's folder with its test class path.
 */
public final class ExpectedAdmissionBenchmark {
  private static final Path TRACES = Path.of("../udf/src/test/resources/lengths/demo-traces.jsonl");
  private static final Pattern TOKENS = Pattern.compile("\"generated_tokens\": ?(\\d+)");
  private static final int BUDGET = 3_000;
  private static final int PROMPT = 40;
  private static final int SLOTS = 64;

  /** Sigma of the log length around what a model of 300 of these traces predicts. */
  private static final double SIGMA = 0.15;

  private ExpectedAdmissionBenchmark() {}

  /** Prints a line for each pool, policy and forecast. */
  public static void main(String[] args) throws IOException {
    List<Integer> lengths = new ArrayList<>();
    for (String line : Files.readAllLines(TRACES)) {
      Matcher tokens = TOKENS.matcher(line);
      if (tokens.find()) {
        lengths.add(Integer.parseInt(tokens.group(1)));
      }
    }
    List<Integer> sorted = lengths.stream().sorted().toList();
    int common = sorted.get(sorted.size() * 3 / 4);
    for (KvPolicySettings policy :
        List.of(KvPolicySettings.full(), KvPolicySettings.rpc(512, 128, 4))) {
      for (int pages : new int[] {300, 600, 1_200}) {
        double base = print(lengths, policy, pages, "budget", 0, length -> BUDGET);
        for (double z : new double[] {0, 0.674, 1.282}) {
          Random random = new Random(1);
          print(
              lengths,
              policy,
              pages,
              String.format(Locale.ROOT, "model, quantile %.2f", z == 0 ? 0.5 : z < 1 ? 0.75 : 0.9),
              base,
              length -> (int) (length * Math.exp(SIGMA * (z - random.nextGaussian()))));
        }
        print(lengths, policy, pages, "one for all, quantile 0.75", base, length -> common);
        print(lengths, policy, pages, "truth", base, length -> length);
        print(lengths, policy, pages, "half the truth", base, length -> length / 2);
        print(lengths, policy, pages, "1 token", base, length -> 1);
      }
    }
  }

  private static double print(
      List<Integer> lengths,
      KvPolicySettings policy,
      int pages,
      String forecast,
      double base,
      IntUnaryOperator expected) {
    Map<Long, Integer> byKey = new HashMap<>();
    List<SequenceSpec> specs = new ArrayList<>();
    for (int i = 0; i < lengths.size(); i++) {
      SequenceSpec spec = SchedulerHarness.spec("row " + i, PROMPT, BUDGET, policy);
      byKey.put(CounterRandom.key(0, spec.rowKey(), 0), lengths.get(i));
      specs.add(
          new SequenceSpec(
              spec.rowKey(),
              0,
              spec.promptTokens(),
              spec.sampling(),
              spec.policy(),
              OptionalInt.of(Math.max(1, expected.applyAsInt(lengths.get(i)))),
              spec.outputWatch()));
    }
    SchedulerHarness harness =
        new SchedulerHarness(
            new FakeBackend(pages, SLOTS, 2, byKey::get),
            new SchedulerOptions(
                512,
                8_000,
                128,
                AdmissionMode.EXPECTED,
                java.util.Set.of(FakeBackend.STOP_TOKEN),
                java.util.Optional.empty(),
                8));
    long useful =
        harness.run(specs).values().stream().mapToLong(result -> result.tokens().length).sum();
    double steps = harness.counters.steps();
    System.out.println(
        String.format(
            Locale.ROOT,
            "%-5s %5d pages  %-27s %6.0f steps (%.2f)  %4.1f lanes  %3d begun anew, %4.1f %% of"
                + " tokens twice, %5.1f %% of lane steps paused",
            policy.name(),
            pages,
            forecast,
            steps,
            base == 0 ? 1 : steps / base,
            harness.counters.laneSteps() / steps,
            harness.counters.restarts(),
            100.0 * (harness.counters.laneSteps() + specs.size() - useful) / useful,
            100.0 * harness.counters.pausedLaneSteps() / harness.counters.laneSteps()));
    return steps;
  }
}
