package io.tracemill.engine.schedule;

import io.tracemill.engine.compress.CompressionSchedule;
import io.tracemill.engine.kvcache.KvLayout;

/**
 * Admits a sequence where the pages of all admitted ones and its own fit the pool in every
 * iteration to come, each up to its token budget. Rows are known in closed form, so the pages that
 * all admitted sequences need are kept as one profile over time, in buckets of a few iterations:
 * within a bucket each sequence counts with its maximum. A question then costs one pass over the
 * candidate's own future, however many lanes run.
 */
final class LookaheadAdmission implements Admission {
  /**
   * Iterations per bucket. A sequence grows by at most one page in so few steps, so the profile
   * overstates its need by little; 32K tokens ahead are 2,048 buckets.
   */
  private static final int BUCKET_ITERATIONS = 16;

  private final int totalPages;
  private final DemandProfile profile = new DemandProfile();
  private long now;

  LookaheadAdmission(int totalPages) {
    this.totalPages = totalPages;
  }

  @Override
  public boolean fits(Sequence sequence, long firstStepClock) {
    long origin = firstStepClock - 1;
    long last = lastBucket(sequence, origin);
    for (long bucket = bucket(now); bucket <= last; bucket++) {
      if (profile.demand(bucket) + pages(sequence, origin, bucket) > totalPages) {
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
  public void advance(long clock) {
    now = clock;
    profile.forgetBefore(bucket(clock));
  }

  private void change(Sequence sequence, int sign) {
    long origin = sequence.originClock();
    long last = lastBucket(sequence, origin);
    for (long bucket = bucket(now); bucket <= last; bucket++) {
      profile.add(bucket, sign * pages(sequence, origin, bucket));
    }
  }

  /** Most pages that the sequence holds in an iteration of the bucket. */
  private static int pages(Sequence sequence, long origin, long bucket) {
    long firstClock = bucket * BUCKET_ITERATIONS;
    int from = (int) Math.max(1, firstClock - origin);
    int to = (int) Math.min(sequence.lastStep(), firstClock + BUCKET_ITERATIONS - 1 - origin);
    return KvLayout.pagesFor(
        to < 1
            ? sequence.promptRows()
            : mostRows(sequence.schedule(), sequence.promptRows(), from, to));
  }

  /** Rows fall only after a compression, so the most are held at the end or at a compression. */
  private static int mostRows(CompressionSchedule schedule, int promptRows, int from, int to) {
    int most = schedule.rowsAttended(promptRows, to);
    if (schedule.compressionsAfter(to - 1) != schedule.compressionsAfter(from - 1)) {
      for (int step = from; step < to; step++) {
        if (schedule.dueAfter(step)) {
          most = Math.max(most, schedule.rowsAttended(promptRows, step));
        }
      }
    }
    return most;
  }

  private static long lastBucket(Sequence sequence, long origin) {
    return bucket(origin + Math.max(1, sequence.lastStep()));
  }

  private static long bucket(long clock) {
    return clock / BUCKET_ITERATIONS;
  }
}
