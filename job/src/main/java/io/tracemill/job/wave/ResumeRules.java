package io.tracemill.job.wave;

import java.io.Serializable;
import java.util.Objects;

/**
 * What a run does with rows that its output holds already.
 *
 * @param output whether it may hold any
 * @param failed what becomes of those that ended in an error
 * @param changed what becomes of those whose input asks something else now
 */
public record ResumeRules(Used output, Failed failed, Changed changed) implements Serializable {
  /** An output that holds rows. */
  public enum Used {
    CONTINUE,
    REFUSE
  }

  /** Rows that ended in an error. */
  public enum Failed {
    KEEP,
    RETRY
  }

  /** Rows whose prompt or own settings are not those they were generated from. */
  public enum Changed {
    REFUSE,
    KEEP,
    REGENERATE
  }

  /** Continue, keep errors, refuse changes. */
  public static final ResumeRules USUAL =
      new ResumeRules(Used.CONTINUE, Failed.KEEP, Changed.REFUSE);

  public ResumeRules {
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(failed, "failed");
    Objects.requireNonNull(changed, "changed");
  }
}
