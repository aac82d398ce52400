package io.tracemill.engine.text;

/** Which special tokens of an output become text. */
public enum SpecialTokenOutput {
  /** All of them, as they are spelled. */
  ALL,
  /** Only the thinking tags, which some tokenizers mark as special and others do not. */
  THINKING_TAGS,
  /** None. */
  NONE
}
