package io.tracemill.job.input;

/** What a row asks with. */
public enum PromptForm {
  /** The text of one user turn. */
  TEXT,
  /** A conversation: an array of turns with a role and a content. */
  MESSAGES
}
