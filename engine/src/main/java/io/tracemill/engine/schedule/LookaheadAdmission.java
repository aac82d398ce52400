package io.tracemill.engine.schedule;

import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.kvcache.KvLayout;

/**
 * Admits a sequence where the pages of all admitted ones and its own fit the pool in every
 * iteration to come, each up to the end that is planned for it: its token budget, or the tokens
 * that are expected of it, which may be too few. Rows are known in closed form, so the pages that
 * all admitted sequences need are kept as one profile over time, in buckets of a few iterations:
 * within a bucket each sequence counts with its maximum. A question then costs one pass over the
 * candidate's own future, however many lanes run; where even its peak fits a bucket, nothing is
 * computed; and a refusal stands until a sequence comes or goes or a bucket has passed.
 *
 * <p>A sequence that reaches its planned end is planned anew, twice as long ({@link
 * Sequence#planMore}). From then on the pool may be promised to more than it holds. Nobody is
 * admitted meanwhile; lanes without a page pause, the older first in line for what becomes free;
 * and where all pause, the youngest gives its pages up and begins anew. It draws the same tokens
 * again, compressions included, since draws depend on the token's index and rows on the schedule
 * alone. (Its tokens could be read as a prompt, which is faster, but then compressions would score
 * other queries.) The oldest never gives up, and every sequence fits an empty pool up to its whole
 * budget, so all of them end.
 */
final class LookaheadAdmission implements Admission {
  /** Iterations per bucket: a sequence grows by one page at most in so few steps. */
  private static final int FINE = 16;

  /** The same for long contexts, where a bucket less is worth more than the last page. */
  private static final int COARSE = 64;

  private static final int LONG_CONTEXT_TOKENS = 8192;

  private final int totalPages;
  private final int bucketIterations;
  private final DemandProfile profile = new DemandProfile();
  private long now;
  private long epoch = 1;
  private int heldPages;

  LookaheadAdmission(int totalPages, int maxContextTokens) {
    this.totalPages = totalPages;
    this.bucketIterations = maxContextTokens > LONG_CONTEXT_TOKENS ? COARSE : FINE;
  }

  @Override
  public boolean fits(Sequence sequence, long firstStepClock) {
    if (sequence.refusedInEpoch() == epoch) {
      return false;
    }
    int peakPages = KvLayout.pagesFor(sequence.plannedPeakRows()) - sequence.sharedPages();
    long origin = firstStepClock - 1;
    long last = lastBucket(sequence, origin);
    for (long bucket = bucket(now); bucket <= last; bucket++) {
      int free = totalPages - heldPages - profile.demand(bucket);
      if (peakPages > free && pages(sequence, origin, bucket) > free) {
        sequence.refuseInEpoch(epoch);
        return false;
      }
    }
    return true;
  }

  @Override
  public void admit(Sequence sequence) {
    change(sequence, 1);
  }

  @Override
  public void release(Sequence sequence) {
    change(sequence, -1);
  }

  @Override
  public void hold(int pages) {
    epoch++;
    heldPages += pages;
  }

  @Override
  public void advance(long clock) {
    if (bucket(clock) != bucket(now)) {
      epoch++;
    }
    now = clock;
    profile.forgetBefore(bucket(clock));
  }

  private void change(Sequence sequence, int sign) {
    epoch++;
    long origin = sequence.originClock();
    long last = lastBucket(sequence, origin);
    for (long bucket = bucket(now); bucket <= last; bucket++) {
      profile.add(bucket, sign * pages(sequence, origin, bucket));
    }
  }

  /** Most pages that the sequence alone holds in an iteration of the bucket. */
  private int pages(Sequence sequence, long origin, long bucket) {
    long firstClock = bucket * bucketIterations;
    int from = (int) Math.max(1, firstClock - origin);
    int to = (int) Math.min(sequence.plannedLastStep(), firstClock + bucketIterations - 1 - origin);
    int rows =
        to < 1
            ? sequence.promptRows()
            : mostRows(sequence.schedule(), sequence.promptRows(), from, to);
    return KvLayout.pagesFor(rows) - sequence.sharedPages();
  }

  /** Rows fall only after a compression, so the most are held at the end or at a compression. */
  private static int mostRows(CompressionSchedule schedule, int promptRows, int from, int to) {
    int most = schedule.rowsAttended(promptRows, to);
    if (schedule.compressionsAfter(promptRows, to - 1)
        != schedule.compressionsAfter(promptRows, from - 1)) {
      for (int step = from; step < to; step++) {
        if (schedule.dueAfter(promptRows, step)) {
          most = Math.max(most, schedule.rowsAttended(promptRows, step));
        }
      }
    }
    return most;
  }

  private long lastBucket(Sequence sequence, long origin) {
    return bucket(origin + Math.max(1, sequence.plannedLastStep()));
  }

  private long bucket(long clock) {
    return clock / bucketIterations;
  }
}
