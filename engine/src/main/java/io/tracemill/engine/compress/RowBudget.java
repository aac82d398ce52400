package io.tracemill.engine.compress;

import io.tracemill.engine.compress.PolicyNeeds.PromptRows;

/**
 * How many rows stay and when they are counted, apart from how they are ranked: the parameters that
 * policies share.
 *
 * <ul>
 *   <li>{@code budget=growing}: RPC's. Every {@code interval} P generated tokens, N P / {@code
 *       ratio} candidates stay; the prompt and the newest {@code window} rows too.
 *   <li>{@code budget=fixed}: every {@code interval} tokens {@code rows} rows stay in all; those of
 *       a protected prompt come on top.
 *   <li>{@code budget=ratio}: every {@code interval} tokens one row in {@code ratio} of a full
 *       cache stays.
 *   <li>{@code budget=threshold}: every {@code interval} tokens as few rows as lose at most {@code
 *       threshold} of the attention norm, and at most {@code rows} where that is not 0.
 * </ul>
 *
 * The last three let the prompt compete unless {@code prompt=keep}; the first {@code sinks} rows
 * and the newest {@code window} rows always stay.
 *
 * @param schedule when, and how many at most
 * @param keep whether fewer may do
 * @param prompt what may happen to the prompt
 * @param windowTokens newest rows that stay
 */
record RowBudget(CompressionSchedule schedule, KeepRule keep, PromptRows prompt, int windowTokens) {

  /** The budget functions. */
  enum Kind {
    GROWING,
    FIXED,
    RATIO,
    THRESHOLD
  }

  /** The words of {@code prompt=}. */
  private enum PromptWord {
    KEEP,
    COMPETE
  }

  /**
   * A policy's own defaults.
   *
   * @param kind budget function
   * @param intervalTokens interval of all but the growing budget
   * @param windowTokens newest rows that stay
   * @param sinkRows first rows that stay, where the prompt competes
   */
  record Defaults(Kind kind, int intervalTokens, int windowTokens, int sinkRows) {}

  private static final int GROWING_INTERVAL = 1024;
  private static final int DEFAULT_RATIO = 4;
  private static final int DEFAULT_ROWS = 2048;
  private static final double DEFAULT_THRESHOLD = 0.05;
  private static final double MOST_THRESHOLD = 0.99;
  private static final int MOST_ROWS = 1 << 30;

  /** Reads the budget of a policy that is scored at compressions only. */
  static RowBudget read(PolicyParameters parameters, Defaults defaults) {
    return read(parameters, defaults, IntervalSchedule.Watch.COMPRESSIONS);
  }

  /** Reads the budget of a policy. */
  static RowBudget read(
      PolicyParameters parameters, Defaults defaults, IntervalSchedule.Watch watch) {
    Kind kind = parameters.choice("budget", defaults.kind());
    int window = parameters.window(defaults.windowTokens(), 1);
    return kind == Kind.GROWING
        ? growing(parameters, window)
        : competing(parameters, defaults, kind, window, watch);
  }

  private static RowBudget growing(PolicyParameters parameters, int window) {
    int interval = parameters.interval(GROWING_INTERVAL, 2);
    int ratio = parameters.ratio(DEFAULT_RATIO);
    if (window >= interval) {
      throw PolicyErrors.windowTooWide(parameters.policy(), window, interval);
    }
    if (interval % ratio != 0) {
      throw PolicyErrors.notDivisible(parameters.policy(), interval, ratio);
    }
    return new RowBudget(
        new RpcSchedule(interval, window, interval / ratio),
        KeepRule.AS_PLANNED,
        PromptRows.STAY,
        window);
  }

  private static RowBudget competing(
      PolicyParameters parameters,
      Defaults defaults,
      Kind kind,
      int window,
      IntervalSchedule.Watch watch) {
    int interval = parameters.interval(defaults.intervalTokens(), 1);
    PromptRows prompt = prompt(parameters);
    int sinks = prompt == PromptRows.STAY ? 0 : sinks(parameters, defaults.sinkRows());
    int least = sinks + window + 1;
    KeepRule keep = KeepRule.AS_PLANNED;
    RowTarget target;
    switch (kind) {
      case FIXED -> {
        int rows = parameters.number("rows", DEFAULT_ROWS, 1, MOST_ROWS);
        requireRoom(parameters, rows, sinks, window);
        target = new RowTarget.Fixed(rows);
      }
      case RATIO -> target = new RowTarget.Share(least, parameters.ratio(DEFAULT_RATIO));
      case THRESHOLD -> {
        double threshold = parameters.decimal("threshold", DEFAULT_THRESHOLD, 0, MOST_THRESHOLD);
        int rows = parameters.number("rows", 0, 0, MOST_ROWS);
        if (rows > 0) {
          requireRoom(parameters, rows, sinks, window);
        }
        keep = new KeepRule.AttentionNorm(threshold, Math.min(window, interval));
        target = new RowTarget.AtMost(least, rows == 0 ? Integer.MAX_VALUE : rows);
      }
      default -> throw new IllegalArgumentException("budget " + kind);
    }
    return new RowBudget(
        new IntervalSchedule(interval, target, prompt, sinks, window, watch), keep, prompt, window);
  }

  /** Reads {@code prompt=}: whether the prompt competes. */
  static PromptRows prompt(PolicyParameters parameters) {
    return parameters.choice("prompt", PromptWord.COMPETE) == PromptWord.KEEP
        ? PromptRows.STAY
        : PromptRows.COMPETE;
  }

  /** Reads {@code sinks=}: the first rows that stay. */
  static int sinks(PolicyParameters parameters, int defaultRows) {
    return parameters.number("sinks", defaultRows, 0, MOST_ROWS / 2);
  }

  private static void requireRoom(PolicyParameters parameters, int rows, int sinks, int window) {
    if (rows <= (long) sinks + window) {
      throw PolicyErrors.noRoom(parameters.policy(), rows, sinks, window);
    }
  }
}
