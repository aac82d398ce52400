package io.tracemill.job.replay;

import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.IncrementalDecoder;
import io.tracemill.engine.text.SpecialTokenOutput;
import io.tracemill.engine.text.Tokenizer;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.TableErrors;
import io.tracemill.job.progress.Console;
import io.tracemill.job.run.EngineVersion;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Generates one recorded row again, here, and compares it token by token. */
public final class ReplayRun {
  private static final int CONTEXT_TOKENS = 8;
  private static final Duration SLICE = Duration.ofMillis(200);

  private final EngineSettings engine;
  private final EngineOpener opener;
  private final ModelFolder model;
  private final Console console;

  /**
   * A replay that has not begun.
   *
   * @param model the checkpoint that {@code engine} names
   */
  public ReplayRun(EngineSettings engine, EngineOpener opener, ModelFolder model, Console console) {
    this.engine = engine;
    this.opener = opener;
    this.model = model;
    this.console = console;
  }

  /**
   * Generates and compares.
   *
   * @return whether every token is the same
   * @throws io.tracemill.job.error.JobException where the row cannot be generated
   */
  public boolean run(RecordedRow recorded) {
    recorded.requireGenerated();
    String device;
    String backend;
    GenerationResult result;
    try (EngineHolder.Lease lease = EngineHolder.lease(engine, opener, () -> false)) {
      console.print(
          "Row %s, sample %d of run %s, on %s"
              .formatted(
                  recorded.key(),
                  recorded.request().sampleIndex(),
                  recorded.column("run_id"),
                  lease.description()));
      backend = lease.backend();
      device = lease.deviceUuid().orElse("");
      result = generate(lease, recorded);
    } catch (ReasoningException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
    if (result.error().isPresent()) {
      throw TableErrors.replayFailed(recorded.key(), result.error().get().message());
    }
    TokenComparison tokens = new TokenComparison(recorded.tokenIds(), result.tokenIds());
    if (tokens.firstDifference().isEmpty()) {
      console.print(
          String.format(
              Locale.ROOT,
              "Identical: all %,d tokens, finish reason %s.",
              result.tokenIds().size(),
              result.finishReason().label()));
      return true;
    }
    difference(tokens, tokens.firstDifference().getAsInt());
    reasons(recorded, backend, device).forEach(reason -> console.print("  " + reason));
    return false;
  }

  private GenerationResult generate(EngineHolder.Lease lease, RecordedRow recorded) {
    try (Feeder feeder = lease.feeder()) {
      feeder.submit(recorded.request());
      while (true) {
        Optional<GenerationResult> result = feeder.poll(SLICE);
        if (result.isPresent()) {
          return result.get();
        }
        if (Thread.currentThread().isInterrupted()) {
          throw TableErrors.replayFailed(recorded.key(), "it was interrupted");
        }
      }
    }
  }

  private void difference(TokenComparison tokens, int at) {
    console.print(
        String.format(
            Locale.ROOT,
            "Different from token %,d on (counted from 0): the table has %,d tokens, the replay"
                + " %,d.",
            at,
            tokens.recorded().size(),
            tokens.replayed().size()));
    try (Tokenizer tokenizer = Tokenizer.load(model.path())) {
      side("recorded", tokens.recorded(), at, tokenizer);
      side("replayed", tokens.replayed(), at, tokenizer);
    }
  }

  private void side(String name, List<Integer> tokens, int at, Tokenizer tokenizer) {
    String id = TokenComparison.at(tokens, at).map(String::valueOf).orElse("none, it had ended");
    int before = Math.max(0, at - CONTEXT_TOKENS);
    console.print(
        "  %s: token %s; around it (from token %d): %s"
            .formatted(
                name,
                id,
                before,
                quoted(tokenizer, TokenComparison.context(tokens, at, CONTEXT_TOKENS))));
  }

  private static String quoted(Tokenizer tokenizer, List<Integer> tokens) {
    String text =
        IncrementalDecoder.decode(
            tokenizer,
            SpecialTokenOutput.THINKING_TAGS,
            tokens.stream().mapToInt(Integer::intValue).toArray());
    return "'" + text.replace("\n", "\\n") + "' " + tokens;
  }

  /** What is not as it was; each may change a token. */
  private List<String> reasons(RecordedRow recorded, String backend, String device) {
    List<String> reasons = new ArrayList<>();
    compare(reasons, "model", recorded.column("model_id"), model.modelId());
    compare(reasons, "engine version", recorded.column("engine_version"), EngineVersion.current());
    compare(reasons, "backend", recorded.column("backend"), backend);
    compare(reasons, "GPU", recorded.column("gpu_uuid"), device);
    setting(reasons, recorded, "kv-element", engine.kvElement().name());
    setting(reasons, recorded, "prefill-chunk", Integer.toString(engine.prefillChunkTokens()));
    if (reasons.isEmpty()) {
      reasons.add(
          "Model, version, backend, device and settings are those of the run, so the tokens should"
              + " be equal: this is a defect of Tracemill, or the device or its driver differ in a"
              + " way that the table does not hold.");
    }
    return reasons;
  }

  private static void compare(List<String> reasons, String what, String then, String now) {
    if (!then.equals(now)) {
      reasons.add(
          "It may differ because of the %s: it was %s and is %s."
              .formatted(what, then.isEmpty() ? "none" : then, now.isEmpty() ? "none" : now));
    }
  }

  private static void setting(List<String> reasons, RecordedRow recorded, String name, String now) {
    String then = recorded.settings().get(name);
    if (then != null && !then.replace('-', '_').equalsIgnoreCase(now.replace('-', '_'))) {
      compare(reasons, "setting --" + name, then, now.toLowerCase(Locale.ROOT).replace('_', '-'));
    }
  }
}
