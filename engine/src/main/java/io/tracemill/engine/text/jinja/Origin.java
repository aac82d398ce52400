package io.tracemill.engine.text.jinja;

/**
 * Who wrote a character of a rendered text; later constants win where two origins mix inexactly.
 */
public enum Origin {
  /** The template itself, or a value its author controls, such as the name of a token. */
  TEMPLATE,
  /** An earlier output of the model that the caller plays back. */
  MODEL,
  /** The caller's data: prompts, documents, tool results. */
  INPUT
}
