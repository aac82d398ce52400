package io.tracemill.engine.compress;

/**
 * How many counted rows a compression leaves, as a function of the counted rows that a full cache
 * would hold; rows of a protected prompt are not counted. Never falls, and never grows faster than
 * the cache.
 */
sealed interface RowTarget {

  /** A compression is due only where more rows than this are held. */
  int leastRows();

  /** Rows that a compression leaves, at least {@link #leastRows}, at most {@code fullRows}. */
  int rowsAfter(int fullRows);

  /** Always the same number. */
  record Fixed(int rows) implements RowTarget {
    @Override
    public int leastRows() {
      return rows;
    }

    @Override
    public int rowsAfter(int fullRows) {
      return rows;
    }
  }

  /** One row in {@code ratio} of a full cache. */
  record Share(int leastRows, int ratio) implements RowTarget {
    @Override
    public int rowsAfter(int fullRows) {
      return Math.max(leastRows, fullRows / ratio);
    }
  }

  /** All rows up to a number: the bound of rules that decide by data. */
  record AtMost(int leastRows, int rows) implements RowTarget {
    @Override
    public int rowsAfter(int fullRows) {
      return Math.min(rows, fullRows);
    }
  }
}
