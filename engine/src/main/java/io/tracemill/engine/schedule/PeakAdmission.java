package io.tracemill.engine.schedule;

import io.tracemill.engine.kvcache.KvLayout;

/** Reserves the peak of every sequence for as long as it runs. */
final class PeakAdmission implements Admission {
  private final int totalPages;
  private long reservedPages;

  PeakAdmission(int totalPages) {
    this.totalPages = totalPages;
  }

  @Override
  public boolean fits(Sequence sequence, long firstStepClock) {
    return reservedPages + peakPages(sequence) <= totalPages;
  }

  @Override
  public void admit(Sequence sequence) {
    reservedPages += peakPages(sequence);
  }

  @Override
  public void release(Sequence sequence) {
    reservedPages -= peakPages(sequence);
  }

  @Override
  public void hold(int pages) {
    reservedPages += pages;
  }

  @Override
  public void advance(long clock) {}

  private static int peakPages(Sequence sequence) {
    return KvLayout.pagesFor(sequence.peakRows()) - sequence.sharedPages();
  }
}
