package io.tracemill.job.preflight;

import io.tracemill.engine.model.ModelConfigReader;
import io.tracemill.engine.text.ChatOptions;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.engine.text.Tokenizer;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.udf.EngineSettings;
import java.nio.file.Path;

/** The text side of a model on the driver: the small files of a checkpoint are enough. */
final class Prompts {
  private Prompts() {}

  /** Renders and tokenises a sample of the input. */
  static PromptSample sample(
      Path model, EngineSettings engine, InputTable input, PromptReader reader) {
    try (Tokenizer tokenizer = Tokenizer.load(model)) {
      PromptTokenizer prompts =
          PromptTokenizer.load(
              model,
              tokenizer,
              ChatOptions.DEFAULT,
              switch (engine.userSpecialTokens()) {
                case PLAIN_TEXT -> PromptTokenizer.SpecialTokensInInput.PLAIN_TEXT;
                case PARSED -> PromptTokenizer.SpecialTokensInInput.PARSED;
              });
      return PromptSample.of(input, reader, prompts);
    }
  }

  /** Prompt and output together: the wish, at most what the model was made for. */
  static int contextTokens(Path model, EngineSettings engine) {
    int most = ModelConfigReader.read(model).maxPositions();
    return engine.maxContextTokens() == 0 ? most : Math.min(most, engine.maxContextTokens());
  }
}
