package io.tracemill.udf;

import io.tracemill.engine.EngineOptions;
import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.backend.BackendOptions.KvElement;

/** Settings for tests that need no model. */
public final class FakeSettings {
  private FakeSettings() {}

  /** An engine of so many slots. */
  public static EngineSettings engine(int slots) {
    return new EngineSettings(
        "/no/model",
        "auto",
        EngineOptions.Weights.CHECKPOINT,
        slots,
        0,
        0.5,
        KvElement.BACKEND_DEFAULT,
        256,
        0,
        0,
        EngineOptions.Admission.LOOKAHEAD,
        EngineOptions.UserSpecialTokens.PLAIN_TEXT,
        0,
        -1);
  }

  /** A text. */
  public static Prompt prompt(String text) {
    return new Prompt.Text(text);
  }

  /** Greedy, full cache, one sample. */
  public static GenerationSettings generation() {
    return GenerationSettings.of(SamplingParams.greedy(64), 1, KvPolicySettings.full());
  }
}
