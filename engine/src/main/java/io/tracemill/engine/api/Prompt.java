package io.tracemill.engine.api;

import java.util.List;
import java.util.Objects;

/** What a row asks, in one of three forms. */
public sealed interface Prompt {

  /**
   * Text of one user turn; rendered with the model's chat template where it has one, else taken as
   * it is.
   */
  record Text(String text) implements Prompt {
    public Text {
      Objects.requireNonNull(text, "text");
    }
  }

  /** A conversation of at least one turn, rendered with the model's chat template. */
  record Messages(List<ChatMessage> messages) implements Prompt {
    public Messages {
      messages = List.copyOf(messages);
    }
  }

  /** Token ids that are used as they are, without template or BOS. */
  record Tokens(List<Integer> ids) implements Prompt {
    public Tokens {
      ids = List.copyOf(ids);
    }
  }
}
