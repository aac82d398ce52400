package io.tracemill.udf.sql;

import java.io.Serializable;
import java.util.TreeMap;

/** How often each answer was given; the buffer of aggregates, changed in place. */
public final class AnswerCounts implements Serializable {
  private static final long serialVersionUID = 1L;

  private final TreeMap<String, Integer> byAnswer = new TreeMap<>();
  private int abstentions;
  private String gold;
  private int k;

  /** Counts an answer; null is an abstention. */
  void add(String answer) {
    if (answer == null) {
      abstentions++;
    } else {
      byAnswer.merge(answer, 1, Integer::sum);
    }
  }

  /** Keeps one gold answer and the largest k, whatever the order of rows. */
  void note(String goldAnswer, int seenK) {
    if (goldAnswer != null && (gold == null || goldAnswer.compareTo(gold) < 0)) {
      gold = goldAnswer;
    }
    k = Math.max(k, seenK);
  }

  void addAll(AnswerCounts other) {
    other.byAnswer.forEach((answer, count) -> byAnswer.merge(answer, count, Integer::sum));
    abstentions += other.abstentions;
    note(other.gold, other.k);
  }

  TreeMap<String, Integer> byAnswer() {
    return byAnswer;
  }

  int abstentions() {
    return abstentions;
  }

  /** The gold answer, or null where no row had one. */
  String goldOrNull() {
    return gold;
  }

  int k() {
    return k;
  }
}
