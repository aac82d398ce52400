package io.tracemill.engine.kvcache;

import java.util.Arrays;

/**
 * Hands out the pages of a KV pool by id and counts who uses them. A page is free, or used by one
 * or more holders: pages of a prompt may be shared by the samples of one row.
 *
 * <p>Free and used pages always add up to the total. Lower ids are handed out first while the pool
 * is fresh, then the page freed last.
 *
 * <p><b>Threads.</b> One thread, the engine's; {@link #usedPages} may be read by any.
 */
public final class PageAllocator {
  private final int totalPages;
  private final int[] freeStack;
  private final int[] holders;
  private volatile int usedPages;

  /** A pool of {@code totalPages} pages, ids 0 to {@code totalPages - 1}, all free. */
  public PageAllocator(int totalPages) {
    if (totalPages < 0) {
      throw new IllegalArgumentException("totalPages " + totalPages + " is negative");
    }
    this.totalPages = totalPages;
    this.holders = new int[totalPages];
    this.freeStack = new int[totalPages];
    Arrays.setAll(freeStack, i -> totalPages - 1 - i);
  }

  /** Pages of the pool. */
  public int totalPages() {
    return totalPages;
  }

  /** Pages with at least one holder. */
  public int usedPages() {
    return usedPages;
  }

  /** Pages that {@link #allocate} can hand out. */
  public int freePages() {
    return totalPages - usedPages;
  }

  /** How many hold the page; 0 for a free one. */
  public int holders(int page) {
    return holders[page];
  }

  /**
   * A free page, now with one holder.
   *
   * @throws IllegalStateException where none is free; ask {@link #freePages} first
   */
  public int allocate() {
    int free = freePages();
    if (free == 0) {
      throw new IllegalStateException("all " + totalPages + " pages are in use");
    }
    int page = freeStack[free - 1];
    holders[page] = 1;
    setUsed(usedPages + 1);
    return page;
  }

  /**
   * One more holder of a used page.
   *
   * @throws IllegalStateException where the page is free
   */
  public void retain(int page) {
    if (holders[page] == 0) {
      throw new IllegalStateException("page " + page + " is free and cannot be shared");
    }
    holders[page]++;
  }

  /**
   * One holder less; without holders the page is free.
   *
   * @throws IllegalStateException where the page is already free
   */
  public void release(int page) {
    if (holders[page] == 0) {
      throw new IllegalStateException("page " + page + " was released twice");
    }
    holders[page]--;
    if (holders[page] == 0) {
      freeStack[freePages()] = page;
      setUsed(usedPages - 1);
    }
  }

  // Only the owning thread writes; the field is volatile for readers of figures.
  private void setUsed(int pages) {
    usedPages = pages;
  }
}
