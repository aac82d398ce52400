package io.tracemill.engine.text;

/** Where a generated text begins. */
public enum ThinkingStart {
  /** Inside a thought: the prompt already ends with the opening tag. */
  IN_THINKING,
  /** Before any thought: the model opens the tag itself, or does not think. */
  OUTSIDE;

  /** Looks at the end of a rendered prompt for an opening tag that nothing closes. */
  public static ThinkingStart after(String prompt) {
    return prompt.stripTrailing().endsWith(ThinkingTags.OPEN) ? IN_THINKING : OUTSIDE;
  }
}
