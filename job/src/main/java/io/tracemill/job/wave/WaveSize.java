package io.tracemill.job.wave;

/**
 * How many result rows a wave has where the user does not say.
 *
 * <p>Two waves run at once; a third begins when the first has ended. An engine of S slots works
 * through S rows in the time of a mean row. The last row of a wave may be several times as long as
 * the mean (about 5.5 times where a cap of 32k tokens meets a mean of 5.8k), and for so long its
 * slots are filled by the wave behind, which therefore needs 5.5 S rows for the end of the wave
 * before it and as many until its own. Sixteen rows for each slot leave room for longer tails. What
 * a killed driver loses is at most two waves: 32 rows of each slot.
 */
public final class WaveSize {
  private static final long ROWS_OF_SLOT = 16;

  /** Below this a commit costs more than it saves. */
  private static final long FEWEST_ROWS = 1_024;

  private WaveSize() {}

  /**
   * The usual number.
   *
   * @param slots of all engines together
   */
  public static long usual(int slots) {
    return Math.max(FEWEST_ROWS, ROWS_OF_SLOT * slots);
  }

  /** Waves that so many rows make, each of about {@code waveRows} or fewer. */
  static int waves(long rows, long waveRows) {
    return Math.toIntExact(Math.min(100_000, (rows + waveRows - 1) / waveRows));
  }
}
