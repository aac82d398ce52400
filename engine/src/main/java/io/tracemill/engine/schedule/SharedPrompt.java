package io.tracemill.engine.schedule;

import io.tracemill.engine.kvcache.PageAllocator;
import io.tracemill.engine.kvcache.PageTable;

/**
 * The whole pages of one prompt and the sequences that ask with it. The first of them to run reads
 * the prompt; from then on the pages are held here too, and every later one shares them. They are
 * given back when the last one ends.
 *
 * <p>The prompt's last page is never shared, even where it is full: its last token has to be read
 * by every sequence for its own first output token, and what follows is the sequence's own. Reading
 * these at most 64 tokens again is cheaper than a copy that every backend would need a kernel for.
 */
final class SharedPrompt {
  private final PageTable held;
  private final Admission admission;
  private final int numPages;
  private int members;
  private int running;
  private Sequence reader;
  private boolean readerCounts;

  /** Nobody's yet. */
  SharedPrompt(PageAllocator allocator, Admission admission, int numPages) {
    this.held = new PageTable(allocator);
    this.admission = admission;
    this.numPages = numPages;
  }

  /** Pages that a sequence which starts now would share. */
  int readyPages() {
    return held.size();
  }

  /** Whether one is reading the prompt now, so that others had better wait. */
  boolean isBeingRead() {
    return reader != null && held.size() == 0;
  }

  /** Whether pages are held that no running sequence uses. */
  boolean isIdle() {
    return running == 0 && held.size() > 0;
  }

  void join() {
    members++;
  }

  /**
   * One member has ended.
   *
   * @return whether it was the last
   */
  boolean leave() {
    members--;
    if (members == 0) {
      drop();
    }
    return members == 0;
  }

  /** A member got its lane; it shares the ready pages, or reads the prompt where there are none. */
  void started(Sequence sequence) {
    running++;
    if (held.size() == 0 && reader == null) {
      reader = sequence;
    } else {
      for (int entry = 0; entry < held.size(); entry++) {
        sequence.pages().share(held.page(entry));
      }
    }
  }

  /** A member's prompt is complete: where it is the one that others waited for, they may share. */
  void read(Sequence sequence) {
    if (sequence == reader && held.size() == 0) {
      for (int entry = 0; entry < numPages; entry++) {
        held.share(sequence.pages().page(entry));
      }
      // As long as the reader runs, the pages are part of what admission counts for it.
      readerCounts = true;
    }
  }

  /** A member gives its lane up; admission does not count it any more. */
  void stopped(Sequence sequence) {
    running--;
    if (sequence == reader) {
      reader = null;
      if (readerCounts) {
        readerCounts = false;
        admission.hold(numPages);
      }
    }
  }

  /** Gives the pages back; the next member to start reads the prompt again. */
  void drop() {
    if (held.size() > 0) {
      held.release();
      admission.hold(-numPages);
    }
  }
}
