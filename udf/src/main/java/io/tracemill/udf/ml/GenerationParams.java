package io.tracemill.udf.ml;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.compress.KvCompressionPolicy;
import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.engine.model.GenerationDefaults;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.model.LocatedModel;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.LongParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;
import org.apache.spark.ml.param.StringArrayParam;

/**
 * Params of how rows are generated: sampling and the KV policy. Temperature, top-p, top-k, min-p
 * and the repetition penalty have no default here: where they are not set, the model's own hold.
 *
 * @param <T> the stage, for setters that chain
 */
public abstract class GenerationParams<T extends GenerationParams<T>> extends EngineParams<T> {
  private static final String FULL = "full";
  private static final String RPC = "rpc";

  private final DoubleParam temperature;
  private final DoubleParam topP;
  private final IntParam topK;
  private final DoubleParam minP;
  private final DoubleParam repetitionPenalty;
  private final IntParam maxNewTokens;
  private final StringArrayParam stop;
  private final LongParam seed;
  private final IntParam samples;
  private final Param<String> kvPolicy;
  private final IntParam kvInterval;
  private final IntParam kvWindow;
  private final IntParam kvRatio;
  private final Param<String> kvMode;
  private final StringArrayParam kvOptions;

  GenerationParams(String uid) {
    super(uid);
    temperature =
        new DoubleParam(this, "temperature", "0 is greedy", ParamValidators.inRange(0, 100));
    topP = new DoubleParam(this, "topP", "1 is off", ParamValidators.inRange(0, 1, false, true));
    topK = atLeast("topK", "0 is off", 0);
    minP = new DoubleParam(this, "minP", "0 is off", ParamValidators.inRange(0, 1, true, false));
    repetitionPenalty =
        new DoubleParam(
            this, "repetitionPenalty", "1 is off", ParamValidators.inRange(0, 100, false, true));
    maxNewTokens = atLeast("maxNewTokens", "token budget of an output", 1);
    stop = new StringArrayParam(this, "stop", "texts that end an output and are cut off");
    seed = new LongParam(this, "seed", "the same seed draws the same tokens");
    samples = atLeast("samples", "outputs for each row; every one becomes a row", 1);
    kvPolicy = new Param<>(this, "kvPolicy", "rpc compresses the KV cache, full keeps it");
    kvInterval = atLeast("kvInterval", "P, generated tokens between compressions", 1);
    kvWindow = atLeast("kvWindow", "R, newest tokens whose queries choose what stays", 1);
    kvRatio = atLeast("kvRatio", "c, the compression ratio; divides P", 1);
    kvMode = new Param<>(this, "kvMode", "the policy's variant, such as paper or release");
    kvOptions =
        new StringArrayParam(
            this, "kvOptions", "further options of the policy, each of the form name=value");
    setDefault(maxNewTokens, 4096);
    setDefault(stop, new String[0]);
    setDefault(seed, 0L);
    setDefault(samples, 1);
    setDefault(kvPolicy, RPC);
    setDefault(kvOptions, new String[0]);
  }

  /** The KV policy that the Params describe. */
  KvCompressionPolicy policy() {
    String name = getOrDefault(kvPolicy);
    if (name.equals(FULL)) {
      // A grid may hold P, R and c beside a full cache, to which they mean nothing.
      return KvPolicies.create(KvPolicySettings.full());
    }
    KvPolicySettings usual =
        name.equals(RPC)
            ? KvPolicySettings.rpc(1024, 32, 4)
            : new KvPolicySettings(name, 0, 0, 0, "", Map.of());
    return KvPolicies.create(
        new KvPolicySettings(
            name,
            isSet(kvInterval) ? (Integer) getOrDefault(kvInterval) : usual.intervalTokens(),
            isSet(kvWindow) ? (Integer) getOrDefault(kvWindow) : usual.windowTokens(),
            isSet(kvRatio) ? (Integer) getOrDefault(kvRatio) : usual.ratio(),
            isSet(kvMode) ? getOrDefault(kvMode) : usual.mode(),
            policyOptions()));
  }

  private Map<String, String> policyOptions() {
    Map<String, String> options = new TreeMap<>();
    for (String option : getOrDefault(kvOptions)) {
      int at = option.indexOf('=');
      if (at < 1) {
        throw new IllegalArgumentException(
            "kvOptions holds '%s'; each must be of the form name=value.".formatted(option));
      }
      options.put(option.substring(0, at), option.substring(at + 1));
    }
    return options;
  }

  /** How rows are generated; small files of the model are read where it is asked for defaults. */
  GenerationSettings generationSettings(LocatedModel model) {
    boolean all =
        Stream.<Param<?>>of(temperature, topP, topK, minP, repetitionPenalty).allMatch(this::isSet);
    GenerationDefaults own =
        all ? new GenerationDefaults(0, 0, 1, 0, 1, List.of()) : model.samplingDefaults();
    return GenerationSettings.of(
        new SamplingParams(
            or(temperature, own.temperature()),
            isSet(topK) ? (Integer) getOrDefault(topK) : own.topK(),
            or(topP, own.topP()),
            or(minP, own.minP()),
            or(repetitionPenalty, own.repetitionPenalty()),
            (Integer) getOrDefault(maxNewTokens),
            List.of(getOrDefault(stop)),
            (Long) getOrDefault(seed)),
        (Integer) getOrDefault(samples),
        policy().settings());
  }

  private float or(DoubleParam param, float otherwise) {
    return isSet(param) ? ((Double) getOrDefault(param)).floatValue() : otherwise;
  }

  /** 0 is greedy; the model's own where it is not set. */
  public DoubleParam temperature() {
    return temperature;
  }

  public T setTemperature(double value) {
    set(temperature, value);
    return self();
  }

  /** In (0, 1], 1 is off; the model's own where it is not set. */
  public DoubleParam topP() {
    return topP;
  }

  public T setTopP(double value) {
    set(topP, value);
    return self();
  }

  /** 0 is off; the model's own where it is not set. */
  public IntParam topK() {
    return topK;
  }

  public T setTopK(int value) {
    set(topK, value);
    return self();
  }

  /** In [0, 1), 0 is off; the model's own where it is not set. */
  public DoubleParam minP() {
    return minP;
  }

  public T setMinP(double value) {
    set(minP, value);
    return self();
  }

  /** 1 is off; the model's own where it is not set. */
  public DoubleParam repetitionPenalty() {
    return repetitionPenalty;
  }

  public T setRepetitionPenalty(double value) {
    set(repetitionPenalty, value);
    return self();
  }

  /** Token budget of an output, at least 1. */
  public IntParam maxNewTokens() {
    return maxNewTokens;
  }

  public T setMaxNewTokens(int value) {
    set(maxNewTokens, value);
    return self();
  }

  /** Texts that end an output and are cut off. */
  public StringArrayParam stop() {
    return stop;
  }

  public T setStop(String[] value) {
    set(stop, value);
    return self();
  }

  /** With a row's key and sample it fixes every draw. */
  public LongParam seed() {
    return seed;
  }

  public T setSeed(long value) {
    set(seed, value);
    return self();
  }

  /** Outputs for each row, at least 1; every one becomes a row. */
  public IntParam samples() {
    return samples;
  }

  public T setSamples(int value) {
    set(samples, value);
    return self();
  }

  /** {@code rpc}, {@code full}, or another policy that the engine knows. */
  public Param<String> kvPolicy() {
    return kvPolicy;
  }

  public T setKvPolicy(String value) {
    set(kvPolicy, value);
    return self();
  }

  /** P, generated tokens between compressions. */
  public IntParam kvInterval() {
    return kvInterval;
  }

  public T setKvInterval(int value) {
    set(kvInterval, value);
    return self();
  }

  /** R, newest tokens whose queries choose what stays. */
  public IntParam kvWindow() {
    return kvWindow;
  }

  public T setKvWindow(int value) {
    set(kvWindow, value);
    return self();
  }

  /** c, the compression ratio; it divides P. */
  public IntParam kvRatio() {
    return kvRatio;
  }

  public T setKvRatio(int value) {
    set(kvRatio, value);
    return self();
  }

  /** The policy's variant, such as {@code paper} or {@code release}. */
  public Param<String> kvMode() {
    return kvMode;
  }

  public T setKvMode(String value) {
    set(kvMode, value);
    return self();
  }

  /** Further options of the policy, each {@code name=value}. */
  public StringArrayParam kvOptions() {
    return kvOptions;
  }

  public T setKvOptions(String[] value) {
    set(kvOptions, value);
    return self();
  }
}
