package io.tracemill.engine.compress;

/**
 * What a policy asks of a backend, apart from the arithmetic of its score rule.
 *
 * @param queryRingDepth newest decode steps whose post-RoPE queries are kept, per sequence and
 *     layer; 0 for none
 * @param headSets whether KV heads of a layer keep the same rows
 * @param rowData what is stored beside each row from one compression to the next
 * @param values whether scores read cached values
 * @param promptRows whether rows of the prompt may be dropped or moved; pages of a prompt whose
 *     rows compete cannot be shared between sequences
 * @param calibration whether the rule carries statistics of the model
 */
public record PolicyNeeds(
    int queryRingDepth,
    HeadSets headSets,
    RowData rowData,
    Values values,
    PromptRows promptRows,
    Calibration calibration) {

  /** Whether KV heads of one layer share their retained rows. Counts are equal either way. */
  public enum HeadSets {
    SHARED,
    PER_KV_HEAD
  }

  /** What lies beside a row. */
  public enum RowData {
    NONE,
    /** One float32 per row and retained set: the score of earlier compressions. */
    SCORE
  }

  /** Whether scores read cached values. */
  public enum Values {
    UNREAD,
    READ
  }

  /** What may happen to rows of the prompt. */
  public enum PromptRows {
    /** They stay in their slots. */
    STAY,
    /** They compete with generated rows. */
    COMPETE
  }

  /** Statistics of the model that a rule is made with. */
  public enum Calibration {
    NONE,
    /** Mean queries before the rotary embedding, see {@link QueryCalibration}. */
    QUERIES
  }

  /** A policy that needs nothing. */
  public static final PolicyNeeds NONE = ofQueries(0, HeadSets.SHARED);

  public PolicyNeeds {
    if (queryRingDepth < 0) {
      throw new IllegalArgumentException("queryRingDepth " + queryRingDepth + " is negative");
    }
  }

  /** A policy that needs recent queries at most and leaves the prompt alone. */
  static PolicyNeeds ofQueries(int queryRingDepth, HeadSets headSets) {
    return new PolicyNeeds(
        queryRingDepth, headSets, RowData.NONE, Values.UNREAD, PromptRows.STAY, Calibration.NONE);
  }
}
