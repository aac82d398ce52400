package io.tracemill.job.cli;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.job.error.JobErrors;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options of the KV policy. */
final class KvOptions {
  /** The policy that keeps every row. */
  static final KvPolicySettings FULL = new KvPolicySettings("full", 0, 0, 0, "", Map.of());

  private static final String RPC = "rpc";

  /** A ring this deep takes as much memory as a cache of so many rows, or more. */
  private static final int MOST_QUERIES = 65_536;

  @Option(
      names = "--kv-policy",
      paramLabel = "NAME",
      description =
          "rpc compresses the cache while the trace grows, full keeps it; the others are in"
              + " docs/policies.md. Default: rpc.")
  private String policy = "rpc";

  @Option(
      names = "--rpc-interval",
      paramLabel = "TOKENS",
      description = "P, generated tokens between compressions. Default: 1024.")
  private int interval = 1024;

  @Option(
      names = "--rpc-window",
      paramLabel = "TOKENS",
      description = "R, newest tokens whose queries choose what stays. Default: 32.")
  private int window = 32;

  @Option(
      names = "--rpc-ratio",
      paramLabel = "C",
      description = "c, the compression ratio; divides the interval. Default: 4.")
  private int ratio = 4;

  @Option(
      names = "--rpc-mode",
      paramLabel = "MODE",
      description = "paper, or release for the published code's choice of queries. Default: paper.")
  private String mode = "paper";

  @Option(
      names = "--rpc-aggregation",
      paramLabel = "OVER",
      description =
          "Scores are averaged over all heads of a layer, or over the group of a KV head: all or"
              + " group. Default: all.")
  private String aggregation = "all";

  @Option(
      names = "--rpc-pooling-kernel",
      paramLabel = "N",
      description = "Neighbouring rows over which scores are smoothed, odd. Default: 7.")
  private int poolingKernel = 7;

  @Option(
      names = "--kv-option",
      paramLabel = "NAME=VALUE",
      description =
          "A parameter of the KV policy, such as rows=2048 or interval=128; once for each."
              + " docs/policies.md lists them.")
  private Map<String, String> parameters = new LinkedHashMap<>();

  @Option(
      names = "--query-ring",
      paramLabel = "TOKENS",
      description =
          "Newest tokens whose queries engines keep, for rows with a KV policy of their own that"
              + " reads more than the run's. Default: what the run's policy reads, and where rows"
              + " may choose, what the options of rpc say.")
  private int queryRing;

  /**
   * How many of the newest queries engines keep.
   *
   * @param run the policy of the run
   * @param mayRowsChoose whether rows may compress where the run does not
   */
  int queryRingDepth(KvCompressionPolicy run, RowPolicies mayRowsChoose) {
    int depth = Math.max(queryRing, run.needs().queryRingDepth());
    return switch (mayRowsChoose) {
      case THE_RUNS -> depth;
      case THEIR_OWN -> Math.max(depth, rpcPolicy().needs().queryRingDepth());
    };
  }

  /** Which policy rows have. */
  enum RowPolicies {
    THE_RUNS,
    THEIR_OWN
  }

  void checkRanges() {
    if (queryRing < 0 || queryRing > MOST_QUERIES) {
      throw JobErrors.outOfRange("--query-ring", queryRing, "from 0 to " + MOST_QUERIES);
    }
  }

  KvCompressionPolicy policy() {
    return KvPolicies.create(
        withParameters(
            policy.equals(RPC)
                ? rpcSettings()
                : new KvPolicySettings(policy, 0, 0, 0, "", Map.of())));
  }

  /** The policy that the options of RPC describe, whether the run uses it or only its rows may. */
  private KvCompressionPolicy rpcPolicy() {
    return KvPolicies.create(rpcSettings());
  }

  private KvPolicySettings rpcSettings() {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("aggregation", aggregation);
    options.put("pooling-kernel", Integer.toString(poolingKernel));
    return new KvPolicySettings(RPC, interval, window, ratio, mode, options);
  }

  private KvPolicySettings withParameters(KvPolicySettings start) {
    Map<String, String> options = new LinkedHashMap<>(start.options());
    options.putAll(parameters);
    String chosenMode = options.remove("mode");
    return new KvPolicySettings(
        start.name(),
        number(options.remove("interval"), "interval", start.intervalTokens()),
        number(options.remove("window"), "window", start.windowTokens()),
        number(options.remove("ratio"), "ratio", start.ratio()),
        chosenMode == null ? start.mode() : chosenMode,
        options);
  }

  private static int number(String text, String name, int defaultValue) {
    if (text == null) {
      return defaultValue;
    }
    if (!text.matches("\\d{1,9}")) {
      throw JobErrors.outOfRange("--kv-option " + name, text, "a whole number");
    }
    return Integer.parseInt(text);
  }
}
