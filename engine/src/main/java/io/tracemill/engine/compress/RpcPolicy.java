package io.tracemill.engine.compress;

import io.tracemill.engine.api.HeadAggregation;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SelectorMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Reasoning Path Compression (arXiv 2505.13866): every P generated tokens the newest R queries vote
 * on which of the generated rows stay. The prompt and the newest R rows always stay.
 *
 * <p>Settings: interval P, window R with {@code 1 <= R < P}, ratio c with {@code c >= 2} that
 * divides P; mode {@code paper} (default) or {@code release}; options {@code aggregation} ({@code
 * all}, default, or {@code group}) and {@code pooling-kernel} (odd, default 7).
 */
final class RpcPolicy implements KvCompressionPolicy {
  static final String NAME = "rpc";

  private static final String AGGREGATION = "aggregation";
  private static final String POOLING_KERNEL = "pooling-kernel";
  private static final List<String> OPTIONS = List.of(AGGREGATION, POOLING_KERNEL);

  /** The paper's half-width 3. */
  private static final String DEFAULT_POOLING_KERNEL = "7";

  /** Wider pooling would flatten every score; kernels of a backend may rely on the bound. */
  static final int MAX_POOLING_KERNEL = 63;

  private final KvPolicySettings settings;
  private final PolicyNeeds needs;
  private final RpcSchedule schedule;
  private final ScoreRule rule;

  private RpcPolicy(
      KvPolicySettings settings, RpcSchedule schedule, ScoreRule.SelectorAttention rule) {
    this.settings = settings;
    this.schedule = schedule;
    this.rule = rule;
    this.needs =
        PolicyNeeds.ofQueries(
            rule.ringWeights().size(),
            rule.aggregation() == HeadAggregation.ALL
                ? PolicyNeeds.HeadSets.SHARED
                : PolicyNeeds.HeadSets.PER_KV_HEAD);
  }

  static RpcPolicy of(KvPolicySettings given) {
    checkNumbers(given.intervalTokens(), given.windowTokens(), given.ratio());
    for (String option : new TreeSet<>(given.options().keySet())) {
      if (!OPTIONS.contains(option)) {
        throw PolicyErrors.unknownOption(NAME, option, OPTIONS);
      }
    }
    SelectorMode mode = mode(given.mode());
    HeadAggregation aggregation = aggregation(given.options().getOrDefault(AGGREGATION, "all"));
    int poolingKernelSize =
        poolingKernelSize(given.options().getOrDefault(POOLING_KERNEL, DEFAULT_POOLING_KERNEL));
    KvPolicySettings settings =
        new KvPolicySettings(
            NAME,
            given.intervalTokens(),
            given.windowTokens(),
            given.ratio(),
            label(mode),
            Map.of(
                AGGREGATION, label(aggregation),
                POOLING_KERNEL, Integer.toString(poolingKernelSize)));
    return new RpcPolicy(
        settings,
        new RpcSchedule(
            given.intervalTokens(), given.windowTokens(), given.intervalTokens() / given.ratio()),
        new ScoreRule.SelectorAttention(
            ringWeights(mode, given.windowTokens()), aggregation, poolingKernelSize));
  }

  @Override
  public KvPolicySettings settings() {
    return settings;
  }

  @Override
  public PolicyNeeds needs() {
    return needs;
  }

  @Override
  public CompressionSchedule schedule() {
    return schedule;
  }

  @Override
  public Optional<ScoreRule> scoreRule() {
    return Optional.of(rule);
  }

  /**
   * Weights of the newest queries, oldest first. The published code appends the newest query to a
   * buffer that already ends with it, so that it counts twice and the oldest of the window is lost;
   * with a window of one it is simply the newest.
   */
  private static List<Float> ringWeights(SelectorMode mode, int windowTokens) {
    List<Float> weights = new ArrayList<>(Collections.nCopies(windowTokens, 1f));
    if (mode == SelectorMode.RELEASE && windowTokens > 1) {
      weights.set(0, 0f);
      weights.set(windowTokens - 1, 2f);
    }
    return weights;
  }

  private static void checkNumbers(int intervalTokens, int windowTokens, int ratio) {
    if (intervalTokens < 2) {
      throw PolicyErrors.outOfRange(NAME, "interval", intervalTokens, "at least 2 tokens");
    }
    if (windowTokens < 1) {
      throw PolicyErrors.outOfRange(NAME, "window", windowTokens, "at least 1 token");
    }
    if (windowTokens >= intervalTokens) {
      throw PolicyErrors.windowTooWide(NAME, windowTokens, intervalTokens);
    }
    if (ratio < 2) {
      throw PolicyErrors.outOfRange(NAME, "compression ratio", ratio, "at least 2");
    }
    if (intervalTokens % ratio != 0) {
      throw PolicyErrors.notDivisible(NAME, intervalTokens, ratio);
    }
  }

  private static SelectorMode mode(String name) {
    return switch (name) {
      case "", "paper" -> SelectorMode.PAPER;
      case "release" -> SelectorMode.RELEASE;
      default -> throw PolicyErrors.unknownMode(NAME, name, List.of("paper", "release"));
    };
  }

  private static HeadAggregation aggregation(String name) {
    return switch (name) {
      case "all" -> HeadAggregation.ALL;
      case "group" -> HeadAggregation.GROUP;
      default -> throw PolicyErrors.badOption(NAME, AGGREGATION, name, "all or group");
    };
  }

  private static int poolingKernelSize(String text) {
    try {
      int size = Integer.parseInt(text);
      if (size >= 1 && size <= MAX_POOLING_KERNEL && size % 2 == 1) {
        return size;
      }
    } catch (NumberFormatException e) {
      // The same message as for a number out of range.
    }
    throw PolicyErrors.badOption(
        NAME, POOLING_KERNEL, text, "an odd number from 1 (off) to " + MAX_POOLING_KERNEL);
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
