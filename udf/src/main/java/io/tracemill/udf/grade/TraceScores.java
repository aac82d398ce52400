package io.tracemill.udf.grade;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Scores that show traces which run in circles. A word is a run of letters and digits in lower
 * case, or any other single character that is no white space; words are compared by 64-bit hashes.
 * All methods are linear in the length of the text.
 */
public final class TraceScores {
  /** Words in a run that counts as repeated. */
  public static final int RUN_WORDS = 8;

  /** Copies of a block at the end of a text that count as a loop. */
  private static final int MIN_LOOP_COPIES = 3;

  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;
  private static final long ROLLING_BASE = 0x9e3779b97f4a7c15L;

  private TraceScores() {}

  /**
   * Shannon entropy of the words in bits a word: {@code -sum p(w) log2 p(w)}, where {@code p(w)} is
   * the share of word {@code w} among all words. From 0 (one word only, or none) to {@code log2} of
   * the number of words.
   */
  public static double entropyBits(String text) {
    long[] words = words(text);
    if (words.length == 0) {
      return 0;
    }
    Map<Long, int[]> counts = new HashMap<>();
    for (long word : words) {
      counts.computeIfAbsent(word, unused -> new int[1])[0]++;
    }
    int[] sorted = counts.values().stream().mapToInt(count -> count[0]).sorted().toArray();
    double sum = 0;
    for (int count : sorted) {
      sum += count * Math.log(count);
    }
    double nats = Math.log(words.length) - sum / words.length;
    return Math.max(0, nats / Math.log(2));
  }

  /**
   * The share of runs of {@value #RUN_WORDS} words that appeared earlier in the same text: {@code 1
   * - distinct / all}. In [0, 1); 0 for texts shorter than a run.
   */
  public static double repetition(String text) {
    long[] words = words(text);
    int runs = words.length - RUN_WORDS + 1;
    if (runs <= 0) {
      return 0;
    }
    long highest = 1;
    for (int i = 1; i < RUN_WORDS; i++) {
      highest *= ROLLING_BASE;
    }
    long[] hashes = new long[runs];
    long rolling = 0;
    for (int i = 0; i < words.length; i++) {
      if (i >= RUN_WORDS) {
        rolling -= words[i - RUN_WORDS] * highest;
      }
      rolling = rolling * ROLLING_BASE + words[i];
      if (i >= RUN_WORDS - 1) {
        hashes[i - RUN_WORDS + 1] = rolling;
      }
    }
    return 1 - (double) distinct(hashes) / runs;
  }

  private static int distinct(long[] values) {
    // Open addressing, at most half full: boxing a hundred thousand numbers costs more than this.
    int capacity = Integer.highestOneBit(Math.max(4, values.length) * 2 - 1) * 2;
    long[] table = new long[capacity];
    boolean zero = false;
    int distinct = 0;
    for (long value : values) {
      if (value == 0) {
        distinct += zero ? 0 : 1;
        zero = true;
        continue;
      }
      int slot = (int) ((value * FNV_PRIME) >>> 33) & (capacity - 1);
      while (table[slot] != 0 && table[slot] != value) {
        slot = (slot + 1) & (capacity - 1);
      }
      if (table[slot] == 0) {
        table[slot] = value;
        distinct++;
      }
    }
    return distinct;
  }

  /**
   * The share of the text, in words, that its end loops through: the longest suffix that consists
   * of one block of words at least three times over, the last copy possibly cut short, over the
   * length of the text. In [0, 1]; 0 where the end does not loop.
   */
  public static double loopShare(String text) {
    long[] words = words(text);
    int n = words.length;
    if (n == 0) {
      return 0;
    }
    // The prefix function of the reversed words: a prefix of length i has the period i - border(i).
    int[] border = new int[n];
    int longest = 0;
    for (int i = 1; i < n; i++) {
      int length = border[i - 1];
      while (length > 0 && words[n - 1 - i] != words[n - 1 - length]) {
        length = border[length - 1];
      }
      if (words[n - 1 - i] == words[n - 1 - length]) {
        length++;
      }
      border[i] = length;
      long period = i + 1L - length;
      if (i + 1 >= MIN_LOOP_COPIES * period) {
        longest = i + 1;
      }
    }
    return (double) longest / n;
  }

  /** The number of words. */
  public static int wordCount(String text) {
    return words(text).length;
  }

  private static long[] words(String text) {
    long[] words = new long[Math.max(16, text.length() / 4)];
    int count = 0;
    long hash = FNV_OFFSET;
    boolean inWord = false;
    for (int i = 0; i <= text.length(); i++) {
      char c = i < text.length() ? text.charAt(i) : ' ';
      if (Character.isLetterOrDigit(c) || Character.isSurrogate(c)) {
        hash = (hash ^ Character.toLowerCase(c)) * FNV_PRIME;
        inWord = true;
        continue;
      }
      if (count + 2 > words.length) {
        words = Arrays.copyOf(words, 2 * words.length);
      }
      if (inWord) {
        words[count++] = hash;
        hash = FNV_OFFSET;
        inWord = false;
      }
      if (!Character.isWhitespace(c)) {
        words[count++] = (FNV_OFFSET ^ c) * FNV_PRIME * FNV_PRIME;
      }
    }
    return Arrays.copyOf(words, count);
  }
}
