package io.tracemill.udf.grade;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Answers of one prompt's samples, counted by what they mean. Answers with one normal form fall
 * into one class at once; classes whose answers are equal are then joined, more frequent ones
 * first.
 */
public final class Votes {
  /** With more classes than this, pairs are not compared: only normal forms decide. */
  private static final int MAX_COMPARED_CLASSES = 200;

  private Votes() {}

  /**
   * Answers that mean the same.
   *
   * @param answer the most frequent way to write it; the first in the alphabet among equals
   * @param count how many samples gave it
   */
  public record Camp(String answer, int count) {}

  /**
   * The camps, largest first; among equals, the one whose answer comes first in the alphabet.
   *
   * @param countByAnswer how often each answer was given, as it was written
   */
  public static List<Camp> camps(Map<String, Integer> countByAnswer) {
    Map<String, TreeMap<String, Integer>> byForm = new HashMap<>();
    countByAnswer.forEach(
        (answer, count) ->
            byForm
                .computeIfAbsent(Answers.normalize(answer), unused -> new TreeMap<>())
                .put(answer, count));
    List<TreeMap<String, Integer>> classes = new ArrayList<>(byForm.values());
    classes.sort(
        Comparator.comparingInt((TreeMap<String, Integer> c) -> -total(c))
            .thenComparing(c -> leader(c)));
    if (classes.size() <= MAX_COMPARED_CLASSES) {
      classes = joined(classes);
    }
    return classes.stream()
        .map(c -> new Camp(leader(c), total(c)))
        .sorted(Comparator.comparingInt((Camp c) -> -c.count()).thenComparing(Camp::answer))
        .toList();
  }

  private static List<TreeMap<String, Integer>> joined(List<TreeMap<String, Integer>> classes) {
    List<TreeMap<String, Integer>> kept = new ArrayList<>();
    for (TreeMap<String, Integer> each : classes) {
      String answer = leader(each);
      kept.stream()
          .filter(other -> Answers.equal(leader(other), answer))
          .findFirst()
          .ifPresentOrElse(other -> other.putAll(each), () -> kept.add(each));
    }
    return kept;
  }

  private static int total(TreeMap<String, Integer> answers) {
    return answers.values().stream().mapToInt(Integer::intValue).sum();
  }

  private static String leader(TreeMap<String, Integer> answers) {
    String leader = answers.firstKey();
    for (Map.Entry<String, Integer> entry : answers.entrySet()) {
      if (entry.getValue() > answers.get(leader)) {
        leader = entry.getKey();
      }
    }
    return leader;
  }
}
