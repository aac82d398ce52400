package io.tracemill.engine.kvcache;

import java.util.Arrays;

/**
 * The pages of one sequence in the order of its rows: entry i holds rows {@code [64 i, 64 i + 64)}
 * of every layer. It holds exactly the pages that its rows need.
 *
 * <p><b>Ownership.</b> Each entry is one holder of its page; {@link #release} gives all back.
 */
public final class PageTable {
  private static final int INITIAL_ENTRIES = 8;

  private final PageAllocator allocator;
  private int[] pages = new int[INITIAL_ENTRIES];
  private int size;

  /** An empty table. */
  public PageTable(PageAllocator allocator) {
    this.allocator = allocator;
  }

  /** Pages held. */
  public int size() {
    return size;
  }

  /** The page of an entry. */
  public int page(int entry) {
    if (entry >= size) {
      throw new IndexOutOfBoundsException("entry " + entry + " of " + size);
    }
    return pages[entry];
  }

  /** Entries {@code [from, size)} as a new array. */
  public int[] pagesFrom(int from) {
    return Arrays.copyOfRange(pages, from, size);
  }

  /** Pages that must be free before {@link #grow} to so many rows; 0 where none are missing. */
  public int missingPages(int rows) {
    return Math.max(0, KvLayout.pagesFor(rows) - size);
  }

  /**
   * Adds pages until {@code rows} rows fit.
   *
   * @return the first new entry; {@link #size} where nothing was missing
   * @throws IllegalStateException where too few pages are free; nothing has changed then
   */
  public int grow(int rows) {
    int missing = missingPages(rows);
    if (missing > allocator.freePages()) {
      throw new IllegalStateException(
          "%d rows need %d more pages, %d are free"
              .formatted(rows, missing, allocator.freePages()));
    }
    int first = size;
    for (int i = 0; i < missing; i++) {
      add(allocator.allocate());
    }
    return first;
  }

  /**
   * Appends a page of another table and becomes one more holder of it; an empty tail is assumed.
   */
  public void share(int page) {
    allocator.retain(page);
    add(page);
  }

  /**
   * Gives back the pages past {@code rows} rows.
   *
   * @return pages given back
   */
  public int trim(int rows) {
    int kept = KvLayout.pagesFor(rows);
    int freed = 0;
    while (size > kept) {
      size--;
      allocator.release(pages[size]);
      freed++;
    }
    return freed;
  }

  /** Gives back all pages; the table is empty and may be used again. */
  public void release() {
    trim(0);
  }

  private void add(int page) {
    if (size == pages.length) {
      pages = Arrays.copyOf(pages, size * 2);
    }
    pages[size++] = page;
  }
}
