package io.tracemill.job.input;

import java.io.Serializable;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * One way in which every row of an input is asked.
 *
 * @param name tells it from the other variants; does not hold {@link VariantKey#SEPARATOR}
 * @param settings what it asks otherwise than the run, as text
 */
public record RowVariant(String name, SortedMap<RowParameter, String> settings)
    implements Serializable {
  public RowVariant {
    if (name.isBlank() || name.contains(VariantKey.SEPARATOR)) {
      throw new IllegalArgumentException("'%s' is no name of a variant".formatted(name));
    }
    settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
  }

  /** From settings in any order. */
  public static RowVariant of(String name, Map<RowParameter, String> settings) {
    return new RowVariant(name, new TreeMap<>(settings));
  }
}
