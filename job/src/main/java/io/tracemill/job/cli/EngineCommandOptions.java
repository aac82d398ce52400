package io.tracemill.job.cli;

import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.EngineOptions.Admission;
import io.tracemill.engine.EngineOptions.UserSpecialTokens;
import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.backend.BackendOptions.KvElement;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.EngineSettings;
import picocli.CommandLine.Option;

/** Options of the model and of the engine that runs it. */
final class EngineCommandOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR|URI",
      description =
          "Folder of a Hugging Face checkpoint: local and the same on every host, or on any file"
              + " system that Spark knows (hdfs:, s3a:, dbfs:, ...), then copied once to each host.")
  private String model;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "auto, cuda or cpu. Default: auto, the best that can run here.")
  private String backend = "auto";

  @Option(
      names = "--weights",
      paramLabel = "SOURCE",
      description = "checkpoint, or dummy for random weights in benchmarks. Default: checkpoint.")
  private String weights = "checkpoint";

  @Option(
      names = "--slots",
      paramLabel = "N",
      description = "Sequences that decode at once in an engine. Default: 32.")
  private int slots = 32;

  @Option(
      names = "--kv-memory-fraction",
      paramLabel = "F",
      description = "Share of free memory for the KV cache, above 0 and at most 1. Default: 0.5.")
  private double kvMemoryFraction = 0.5;

  @Option(
      names = "--kv-memory",
      paramLabel = "SIZE",
      description = "Size of the KV cache, such as 4g, instead of a share.")
  private String kvMemory = "";

  @Option(
      names = "--kv-element",
      paramLabel = "TYPE",
      description = "Element type of the KV cache: backend-default, float32 or bf16.")
  private String kvElement = "backend-default";

  @Option(
      names = "--prefill-chunk",
      paramLabel = "TOKENS",
      description = "Most prompt tokens between two decode steps. Default: 512.")
  private int prefillChunk = 512;

  @Option(
      names = "--max-context",
      paramLabel = "TOKENS",
      description = "Prompt and output together. Default: the model's own limit.")
  private int maxContext;

  @Option(
      names = "--admission",
      paramLabel = "RULE",
      description =
          "lookahead starts a row where all rows fit at every future step, each up to its token"
              + " budget; expected counts with the lengths of --length-model instead; reserve-peak"
              + " starts a row where all peaks fit at once. Default: lookahead.")
  private String admission = "lookahead";

  @Option(
      names = "--special-tokens",
      paramLabel = "HOW",
      description =
          "Special tokens written in a prompt: plain-text, or parsed into what they name. Default:"
              + " plain-text.")
  private String specialTokens = "plain-text";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the CPU backend. Default: all cores.")
  private int threads;

  @Option(
      names = "--device",
      paramLabel = "N",
      description =
          "GPU of this process by CUDA's number, from 0. Default: the one that Spark assigned, else"
              + " the first without an engine.")
  private Integer device;

  @Option(
      names = "--call-timeout",
      paramLabel = "SECONDS",
      description =
          "How long one call of the backend may take, 1 to 86400, before its executor is taken for"
              + " dead and ends. Loading the model does not count. Default: 900.")
  private int callTimeout = EngineOptions.USUAL_CALL_TIMEOUT_SECONDS;

  ModelFolder modelFolder(String modelCache) {
    return ModelFolder.open(model, Choices.of("--weights", weights, Weights.class), modelCache);
  }

  /**
   * Checks what needs no model.
   *
   * @throws io.tracemill.job.error.JobException at the first value that is out of its range
   */
  void checkRanges() {
    Ranges.atLeast("--slots", slots, 1);
    Ranges.atLeast("--prefill-chunk", prefillChunk, 1);
    Ranges.atLeast("--max-context", maxContext, 0);
    Ranges.atLeast("--threads", threads, 0);
    Ranges.atLeast("--device", device == null ? 0 : device, 0);
    if (!(kvMemoryFraction > 0 && kvMemoryFraction <= 1)) {
      throw JobErrors.outOfRange("--kv-memory-fraction", kvMemoryFraction, "above 0 and at most 1");
    }
    if (callTimeout < 1 || callTimeout > EngineOptions.MAX_CALL_TIMEOUT_SECONDS) {
      throw JobErrors.outOfRange("--call-timeout", callTimeout, "from 1 to 86400 seconds");
    }
    if (backend.isBlank()) {
      throw JobErrors.outOfRange("--backend", "''", "auto or the name of a backend");
    }
    Choices.of("--weights", weights, Weights.class);
    kvCacheBytes();
    Choices.of("--kv-element", kvElement, KvElement.class);
    Choices.of("--admission", admission, Admission.class);
    Choices.of("--special-tokens", specialTokens, UserSpecialTokens.class);
  }

  private long kvCacheBytes() {
    return kvMemory.isEmpty() ? 0 : ByteSize.parse("--kv-memory", kvMemory);
  }

  /** How engines are opened; checked. */
  EngineSettings settings(ModelFolder folder, int queryRingDepth) {
    checkRanges();
    return new EngineSettings(
        folder.location(),
        backend,
        Choices.of("--weights", weights, Weights.class),
        slots,
        kvCacheBytes(),
        kvMemoryFraction,
        Choices.of("--kv-element", kvElement, KvElement.class),
        prefillChunk,
        maxContext,
        queryRingDepth,
        Choices.of("--admission", admission, Admission.class),
        Choices.of("--special-tokens", specialTokens, UserSpecialTokens.class),
        threads,
        device == null ? -1 : device,
        callTimeout);
  }
}
