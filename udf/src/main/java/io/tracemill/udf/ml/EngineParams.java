package io.tracemill.udf.ml;

import io.tracemill.engine.EngineOptions.Admission;
import io.tracemill.engine.EngineOptions.UserSpecialTokens;
import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.HostSettings;
import io.tracemill.udf.HostSettings.DeviceSharing;
import java.util.Arrays;
import java.util.Locale;
import org.apache.spark.ml.Transformer;
import org.apache.spark.ml.param.DoubleParam;
import org.apache.spark.ml.param.IntParam;
import org.apache.spark.ml.param.LongParam;
import org.apache.spark.ml.param.Param;
import org.apache.spark.ml.param.ParamValidators;

/**
 * Params of the engine that a stage generates with. Stages with equal values share the engine of an
 * executor; where they differ, the second waits until nobody uses the first, or is refused.
 *
 * @param <T> the stage, for setters that chain
 */
public abstract class EngineParams<T extends EngineParams<T>> extends Transformer {
  private final String uid;
  private final Param<String> model;
  private final Param<String> backend;
  private final Param<String> weights;
  private final IntParam slots;
  private final LongParam kvCacheBytes;
  private final DoubleParam kvMemoryFraction;
  private final Param<String> kvElement;
  private final IntParam prefillChunkTokens;
  private final IntParam maxContextTokens;
  private final IntParam queryRingTokens;
  private final Param<String> admission;
  private final Param<String> specialTokens;
  private final IntParam threads;
  private final IntParam device;
  private final Param<String> modelCache;
  private final Param<String> deviceSharing;

  EngineParams(String uid) {
    this.uid = uid; // First: a Param asks its parent for it.
    model = new Param<>(this, "model", "folder of a Hugging Face checkpoint, local or remote");
    backend = new Param<>(this, "backend", "auto, cuda or cpu");
    weights = choice("weights", "where weights come from", Weights.class);
    slots = atLeast("slots", "sequences that decode at once in an engine", 1);
    kvCacheBytes =
        new LongParam(
            this,
            "kvCacheBytes",
            "size of the KV cache in bytes; 0 for kvMemoryFraction of what is free",
            ParamValidators.gtEq(0));
    kvMemoryFraction =
        new DoubleParam(
            this,
            "kvMemoryFraction",
            "share of free memory for the KV cache",
            ParamValidators.inRange(0, 1, false, true));
    kvElement = choice("kvElement", "element type of the KV cache", KvElement.class);
    prefillChunkTokens =
        atLeast("prefillChunkTokens", "most prompt tokens between two decode steps", 1);
    maxContextTokens =
        atLeast("maxContextTokens", "prompt and output together; 0 for the model's own limit", 0);
    queryRingTokens =
        atLeast(
            "queryRingTokens",
            "deepest selector window R that any stage on this engine uses, so that a grid over R"
                + " shares one engine; 0 for this stage's own",
            0);
    admission = choice("admission", "when a waiting row may start", Admission.class);
    specialTokens =
        choice("specialTokens", "what special tokens in a prompt become", UserSpecialTokens.class);
    threads = atLeast("threads", "threads of the CPU backend; 0 for all cores", 0);
    device = atLeast("device", "CUDA's number of the GPU; -1 for the one that Spark assigned", -1);
    modelCache = new Param<>(this, "modelCache", "folder on every host for remote models' copies");
    deviceSharing = choice("deviceSharing", "two engines on one GPU", DeviceSharing.class);
    setDefault(backend, "auto");
    setDefault(weights, label(Weights.CHECKPOINT));
    setDefault(slots, 32);
    setDefault(kvCacheBytes, 0L);
    setDefault(kvMemoryFraction, 0.5);
    setDefault(kvElement, label(KvElement.BACKEND_DEFAULT));
    setDefault(prefillChunkTokens, 512);
    setDefault(maxContextTokens, 0);
    setDefault(queryRingTokens, 0);
    setDefault(admission, label(Admission.LOOKAHEAD));
    setDefault(specialTokens, label(UserSpecialTokens.PLAIN_TEXT));
    setDefault(threads, 0);
    setDefault(device, -1);
    setDefault(deviceSharing, label(DeviceSharing.REFUSE));
  }

  @Override
  public String uid() {
    return uid;
  }

  /** The stage itself. */
  abstract T self();

  /** The engine that these Params ask for, with its model at {@code location}. */
  EngineSettings engineSettings(String location, int ownRingTokens) {
    return new EngineSettings(
        location,
        getOrDefault(backend),
        choice(weights, Weights.class),
        (Integer) getOrDefault(slots),
        (Long) getOrDefault(kvCacheBytes),
        (Double) getOrDefault(kvMemoryFraction),
        choice(kvElement, KvElement.class),
        (Integer) getOrDefault(prefillChunkTokens),
        (Integer) getOrDefault(maxContextTokens),
        Math.max(ownRingTokens, (Integer) getOrDefault(queryRingTokens)),
        choice(admission, Admission.class),
        choice(specialTokens, UserSpecialTokens.class),
        (Integer) getOrDefault(threads),
        (Integer) getOrDefault(device));
  }

  HostSettings hostSettings() {
    // No default Param: it would be saved, and name this user's folder on another machine.
    String cache = isSet(modelCache) ? getOrDefault(modelCache) : HostSettings.usual().modelCache();
    return new HostSettings(cache, choice(deviceSharing, DeviceSharing.class));
  }

  Weights weightsSource() {
    return choice(weights, Weights.class);
  }

  IntParam atLeast(String name, String doc, int least) {
    return new IntParam(this, name, doc, ParamValidators.gtEq(least));
  }

  private <E extends Enum<E>> Param<String> choice(String name, String doc, Class<E> type) {
    String[] labels =
        Arrays.stream(type.getEnumConstants()).map(EngineParams::label).toArray(String[]::new);
    return new Param<>(
        this, name, doc + ": " + String.join(" or ", labels), ParamValidators.inArray(labels));
  }

  private <E extends Enum<E>> E choice(Param<String> param, Class<E> type) {
    return Enum.valueOf(type, getOrDefault(param).toUpperCase(Locale.ROOT).replace('-', '_'));
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Folder of a Hugging Face checkpoint, the same on every host, or on any Hadoop file system. */
  public Param<String> model() {
    return model;
  }

  public T setModel(String value) {
    set(model, value);
    return self();
  }

  /** {@code auto}, {@code cuda} or {@code cpu}. */
  public Param<String> backend() {
    return backend;
  }

  public T setBackend(String value) {
    set(backend, value);
    return self();
  }

  /** {@code checkpoint}, or {@code dummy} for random weights. */
  public Param<String> weights() {
    return weights;
  }

  public T setWeights(String value) {
    set(weights, value);
    return self();
  }

  /** Sequences that decode at once in an engine, at least 1. */
  public IntParam slots() {
    return slots;
  }

  public T setSlots(int value) {
    set(slots, value);
    return self();
  }

  /** Size of the KV cache in bytes; 0 for {@link #kvMemoryFraction} of what is free. */
  public LongParam kvCacheBytes() {
    return kvCacheBytes;
  }

  public T setKvCacheBytes(long value) {
    set(kvCacheBytes, value);
    return self();
  }

  /** Share of free memory for the KV cache, in (0, 1]. */
  public DoubleParam kvMemoryFraction() {
    return kvMemoryFraction;
  }

  public T setKvMemoryFraction(double value) {
    set(kvMemoryFraction, value);
    return self();
  }

  /** {@code backend-default}, {@code float32} or {@code bf16}. */
  public Param<String> kvElement() {
    return kvElement;
  }

  public T setKvElement(String value) {
    set(kvElement, value);
    return self();
  }

  /** Most prompt tokens between two decode steps, at least 1. */
  public IntParam prefillChunkTokens() {
    return prefillChunkTokens;
  }

  public T setPrefillChunkTokens(int value) {
    set(prefillChunkTokens, value);
    return self();
  }

  /** Prompt and output together in tokens; 0 for the model's own limit. */
  public IntParam maxContextTokens() {
    return maxContextTokens;
  }

  public T setMaxContextTokens(int value) {
    set(maxContextTokens, value);
    return self();
  }

  /** Deepest selector window that stages on this engine use; 0 for this stage's own R. */
  public IntParam queryRingTokens() {
    return queryRingTokens;
  }

  public T setQueryRingTokens(int value) {
    set(queryRingTokens, value);
    return self();
  }

  /** {@code lookahead} or {@code reserve-peak}. */
  public Param<String> admission() {
    return admission;
  }

  public T setAdmission(String value) {
    set(admission, value);
    return self();
  }

  /** Special tokens written in a prompt: {@code plain-text} or {@code parsed}. */
  public Param<String> specialTokens() {
    return specialTokens;
  }

  public T setSpecialTokens(String value) {
    set(specialTokens, value);
    return self();
  }

  /** Threads of the CPU backend; 0 for all cores. */
  public IntParam threads() {
    return threads;
  }

  public T setThreads(int value) {
    set(threads, value);
    return self();
  }

  /** CUDA's number of the GPU; -1 for the one that Spark assigned, else one without an engine. */
  public IntParam device() {
    return device;
  }

  public T setDevice(int value) {
    set(device, value);
    return self();
  }

  /** Folder on every host for copies of a remote model. */
  public Param<String> modelCache() {
    return modelCache;
  }

  public T setModelCache(String value) {
    set(modelCache, value);
    return self();
  }

  /** {@code refuse} to run an engine on a GPU that has one, or {@code allow} it. */
  public Param<String> deviceSharing() {
    return deviceSharing;
  }

  public T setDeviceSharing(String value) {
    set(deviceSharing, value);
    return self();
  }
}
