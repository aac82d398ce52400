package io.tracemill.engine;

import io.tracemill.engine.text.ChatOptions;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.engine.text.ThinkingSplitter;
import io.tracemill.engine.text.Tokenizer;
import java.nio.file.Path;

/**
 * The text side of a model: shared by the engine and its feeders, closed when the last of them is.
 * Feeders may still decode results after the engine was closed.
 */
final class ModelText {
  private final Tokenizer tokenizer;
  private final PromptTokenizer prompts;
  private final ThinkingSplitter splitter;
  private int holders = 1;

  private ModelText(Tokenizer tokenizer, PromptTokenizer prompts) {
    this.tokenizer = tokenizer;
    this.prompts = prompts;
    this.splitter = new ThinkingSplitter(tokenizer);
  }

  /** Loads tokenizer and chat template; the caller is the first holder. */
  static ModelText load(Path modelDirectory, EngineOptions.UserSpecialTokens userSpecialTokens) {
    PromptTokenizer.SpecialTokensInInput specialTokens =
        switch (userSpecialTokens) {
          case PLAIN_TEXT -> PromptTokenizer.SpecialTokensInInput.PLAIN_TEXT;
          case PARSED -> PromptTokenizer.SpecialTokensInInput.PARSED;
        };
    Tokenizer tokenizer = Tokenizer.load(modelDirectory);
    try {
      return new ModelText(
          tokenizer,
          PromptTokenizer.load(modelDirectory, tokenizer, ChatOptions.DEFAULT, specialTokens));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  PromptTokenizer prompts() {
    return prompts;
  }

  ThinkingSplitter splitter() {
    return splitter;
  }

  synchronized ModelText retain() {
    if (holders == 0) {
      throw new IllegalStateException("the engine is closed");
    }
    holders++;
    return this;
  }

  synchronized void release() {
    if (--holders == 0) {
      tokenizer.close();
    }
  }
}
