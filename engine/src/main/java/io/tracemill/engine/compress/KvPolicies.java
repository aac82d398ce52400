package io.tracemill.engine.compress;

import io.tracemill.engine.api.KvPolicySettings;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Makes policies from their settings; the one place that knows all of them by name. */
public final class KvPolicies {
  /** Names that {@link #create} accepts. */
  public static final List<String> NAMES =
      List.of(
          FullPolicy.NAME,
          RpcPolicy.NAME,
          SinksWindowPolicy.NAME,
          RandomPolicy.NAME,
          TovaPolicy.NAME,
          SnapKvPolicy.NAME,
          H2oPolicy.NAME,
          RKvPolicy.NAME,
          GKvPolicy.NAME,
          LagKvPolicy.NAME,
          ChunkKvPolicy.NAME,
          VasePolicy.NAME,
          TriAttentionPolicy.NAME);

  private static final Map<String, Function<KvPolicySettings, KvCompressionPolicy>> MAKERS =
      Map.ofEntries(
          Map.entry(FullPolicy.NAME, FullPolicy::of),
          Map.entry(RpcPolicy.NAME, RpcPolicy::of),
          Map.entry(SinksWindowPolicy.NAME, SinksWindowPolicy::of),
          Map.entry(RandomPolicy.NAME, RandomPolicy::of),
          Map.entry(TovaPolicy.NAME, TovaPolicy::of),
          Map.entry(SnapKvPolicy.NAME, SnapKvPolicy::of),
          Map.entry(H2oPolicy.NAME, H2oPolicy::of),
          Map.entry(RKvPolicy.NAME, RKvPolicy::of),
          Map.entry(GKvPolicy.NAME, GKvPolicy::of),
          Map.entry(LagKvPolicy.NAME, LagKvPolicy::of),
          Map.entry(ChunkKvPolicy.NAME, ChunkKvPolicy::of),
          Map.entry(VasePolicy.NAME, VasePolicy::of),
          Map.entry(TriAttentionPolicy.NAME, TriAttentionPolicy::of));

  private KvPolicies() {}

  /**
   * The policy that the settings describe.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_ARGUMENT} where
   *     the policy, a mode or an option is unknown, a number is out of its range, or a file that an
   *     option names cannot be used
   */
  public static KvCompressionPolicy create(KvPolicySettings settings) {
    Function<KvPolicySettings, KvCompressionPolicy> maker = MAKERS.get(settings.name());
    if (maker == null) {
      throw PolicyErrors.unknownPolicy(settings.name(), NAMES);
    }
    return maker.apply(settings);
  }
}
