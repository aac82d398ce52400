package io.tracemill.job.input;

/**
 * The key of a row that is asked with a variant: the row's own key, a separator, the variant. As no
 * variant holds the separator, the two are found again whatever the row's key is.
 *
 * @param rowKey key of the input's row
 * @param variant name of the variant
 */
public record VariantKey(String rowKey, String variant) {
  /** Between the two. */
  public static final String SEPARATOR = " @ ";

  /** The key as it stands in the traces. */
  public String text() {
    return rowKey + SEPARATOR + variant;
  }

  /**
   * Reads a key back.
   *
   * @throws IllegalArgumentException where it is the key of no variant
   */
  public static VariantKey parse(String text) {
    int at = text.lastIndexOf(SEPARATOR);
    if (at < 0) {
      throw new IllegalArgumentException("'%s' names no variant".formatted(text));
    }
    return new VariantKey(text.substring(0, at), text.substring(at + SEPARATOR.length()));
  }
}
