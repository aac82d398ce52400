package io.tracemill.engine.text.jinja;

import java.util.Arrays;

/**
 * A string that remembers, character by character, who wrote it.
 *
 * <p>Equality, order and hash look at the characters alone. Positions are UTF-16 offsets unless a
 * name says code points. Instances are immutable.
 */
public final class Text implements Comparable<Text> {
  /** Longest string a template may build, in UTF-16 units. */
  static final int MAX_CHARS = 1 << 24;

  static final Text EMPTY = new Text("", null, Origin.TEMPLATE);
  private static final Origin[] ORIGINS = Origin.values();

  private final String value;

  /** One ordinal of {@link Origin} for each UTF-16 unit; null when all are {@link #uniform}. */
  private final byte[] origins;

  private final Origin uniform;

  private Text(String value, byte[] origins, Origin uniform) {
    this.value = value;
    this.origins = origins;
    this.uniform = uniform;
  }

  /** A text written by the template's side. */
  public static Text of(String value) {
    return of(value, Origin.TEMPLATE);
  }

  /** A text with one origin for all its characters. */
  public static Text of(String value, Origin origin) {
    checkLength(value.length());
    return new Text(value, null, origin);
  }

  /** A text with an origin ordinal per UTF-16 unit; the array is kept, not copied. */
  static Text of(String value, byte[] origins) {
    if (origins.length == 0) {
      return EMPTY;
    }
    for (byte origin : origins) {
      if (origin != origins[0]) {
        return new Text(value, origins, null);
      }
    }
    return new Text(value, null, ORIGINS[origins[0]]);
  }

  static void checkLength(long chars) {
    if (chars > MAX_CHARS) {
      throw JinjaException.limit(
          "the template builds a text of more than "
              + MAX_CHARS
              + " characters; shorten the input or the template");
    }
  }

  /** The characters. */
  public String value() {
    return value;
  }

  /** The length in UTF-16 units. */
  public int length() {
    return value.length();
  }

  public boolean isEmpty() {
    return value.isEmpty();
  }

  /** Who wrote the UTF-16 unit at {@code index}. */
  public Origin originAt(int index) {
    return origins == null ? uniform : ORIGINS[origins[index]];
  }

  /** True if any character came from {@code origin}. */
  public boolean holds(Origin origin) {
    if (value.isEmpty()) {
      return false;
    }
    if (origins == null) {
      return uniform == origin;
    }
    for (byte each : origins) {
      if (each == origin.ordinal()) {
        return true;
      }
    }
    return false;
  }

  /** The origin that wins over all others in this text. */
  Origin strongest() {
    if (origins == null) {
      return uniform;
    }
    byte strongest = 0;
    for (byte each : origins) {
      strongest = (byte) Math.max(strongest, each);
    }
    return ORIGINS[strongest];
  }

  Text substring(int begin, int end) {
    if (begin >= end) {
      return EMPTY;
    }
    if (begin == 0 && end == value.length()) {
      return this;
    }
    String part = value.substring(begin, end);
    return origins == null
        ? new Text(part, null, uniform)
        : of(part, Arrays.copyOfRange(origins, begin, end));
  }

  Text plus(Text other) {
    if (isEmpty()) {
      return other;
    }
    if (other.isEmpty()) {
      return this;
    }
    checkLength((long) length() + other.length());
    String joined = value.concat(other.value);
    if (origins == null && other.origins == null && uniform == other.uniform) {
      return new Text(joined, null, uniform);
    }
    byte[] both = new byte[joined.length()];
    copyOriginsTo(both, 0);
    other.copyOriginsTo(both, length());
    return new Text(joined, both, null);
  }

  /** Writes this text's origins into {@code target} from {@code at} on. */
  void copyOriginsTo(byte[] target, int at) {
    if (origins == null) {
      Arrays.fill(target, at, at + value.length(), (byte) uniform.ordinal());
    } else {
      System.arraycopy(origins, 0, target, at, origins.length);
    }
  }

  /**
   * The result of a mapping such as upper case: unit by unit the same origins if the length did not
   * change, else the strongest origin throughout.
   */
  Text mapped(String changed) {
    checkLength(changed.length());
    if (origins == null) {
      return new Text(changed, null, uniform);
    }
    return changed.length() == value.length()
        ? of(changed, origins)
        : new Text(changed, null, strongest());
  }

  int codePointCount() {
    return value.codePointCount(0, value.length());
  }

  /** The UTF-16 offset of a code point index that lies in 0..codePointCount. */
  int offset(int codePointIndex) {
    return value.offsetByCodePoints(0, codePointIndex);
  }

  @Override
  public int compareTo(Text other) {
    // Python orders by code point; UTF-16 order differs where surrogates meet U+E000 and above.
    int shorter = Math.min(length(), other.length());
    for (int i = 0; i < shorter; i++) {
      if (value.charAt(i) != other.value.charAt(i)) {
        boolean here = Character.isSurrogate(value.charAt(i));
        boolean there = Character.isSurrogate(other.value.charAt(i));
        if (here != there) {
          return here ? 1 : -1;
        }
        return Character.compare(value.charAt(i), other.value.charAt(i));
      }
    }
    return Integer.compare(length(), other.length());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Text text && text.value.equals(value);
  }

  @Override
  public int hashCode() {
    return value.hashCode();
  }

  @Override
  public String toString() {
    return value;
  }
}
