package io.tracemill.udf.grade;

import io.tracemill.engine.text.ThinkingStart;
import io.tracemill.engine.text.Tokenizer;
import io.tracemill.engine.text.TraceParts;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.ToIntFunction;

/**
 * Rows for each second that one thread runs, over traces of 100,000 characters and over answers.
 * Prints the table of {@code docs/results-functions.md}.
 *
 * <p>Run the main method with the test class path, the folder of a model as first argument (its
 * tokenizer is timed too). Each function warms up for a second and is then timed for three rounds
 * of a second; the table has the best round and the median. A function that gives a wrong checksum
 * in a later round throws.
 */
public final class FunctionBenchmark {
  private static final int TRACE_CHARACTERS = 100_000;
  private static final int NUM_TRACES = 8;
  private static final int ROUNDS = 3;
  private static final long ROUND_NANOS = 300_000_000L;

  /** Time that the thread ran, so that neighbours on the machine do not count. */
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private FunctionBenchmark() {}

  /** Runs everything; {@code arguments[0]} may name a model's folder. */
  public static void main(String[] arguments) {
    List<String> traces = traces();
    Map<String, ToIntFunction<String>> functions = new TreeMap<>();
    functions.put("tm_extract_answer", t -> AnswerFinder.answer(t).orElse("").hashCode());
    functions.put("tm_extract_boxed", t -> AnswerFinder.boxed(t).orElse("").hashCode());
    functions.put("tm_extract_final_line", t -> AnswerFinder.finalLine(t).orElse("").hashCode());
    functions.put("tm_extract_choice", t -> AnswerFinder.choice(t).orElse("").hashCode());
    functions.put("tm_extract_json", t -> AnswerFinder.json(t, "answer").orElse("").hashCode());
    functions.put(
        "tm_split_trace", t -> TraceParts.of(t, ThinkingStart.OUTSIDE).thinking().length());
    functions.put("tm_trace_entropy", t -> Double.hashCode(TraceScores.entropyBits(t)));
    functions.put("tm_repetition_score", t -> Double.hashCode(TraceScores.repetition(t)));
    functions.put("tm_loop_share", t -> Double.hashCode(TraceScores.loopShare(t)));
    functions.put("tm_answers_equal (trace against 42)", t -> Answers.equal(t, "42") ? 1 : 0);
    functions.put("tm_normalize_answer (of a trace)", t -> Answers.normalize(t).hashCode());
    System.out.println(
        "| Function | Rows/s, best | Rows/s, median | MB/s, best |\n|---|---|---|---|");
    functions.forEach((name, function) -> print(name, traces, function));
    if (arguments.length > 0) {
      try (Tokenizer tokenizer = Tokenizer.load(Path.of(arguments[0]))) {
        print("tm_token_count", traces, trace -> tokenizer.encode(trace).length);
      }
    }
    System.out.println("\n| Comparison | Pairs/s, best | Pairs/s, median |\n|---|---|---|");
    printPair("42 = 42.0", "42", "42.0");
    printPair("1,234 against 1235", "1,234", "1235");
    printPair("\\frac{1}{2} = 50\\%", "\\frac{1}{2}", "50\\%");
    printPair("{1, 2, 3} = 3, 2, 1", "\\{1,2,3\\}", "3,2,1");
    printPair("5 m = 500 cm", "5 m", "500 cm");
    printPair("(x+1)^2 = x^2+2x+1 (polynomials)", "(x+1)^2", "x^2+2x+1");
    printPair("\\sqrt{12} = 2\\sqrt{3} (polynomials)", "\\sqrt{12}", "2\\sqrt{3}");
    printPair("\\ln 8 = 3\\ln 2 (50 digits)", "\\ln 8", "3\\ln 2");
    printPair("\\sin 2x = 2 sin x cos x (12 points)", "\\sin(2x)", "2\\sin x\\cos x");
    printPair("yes against no", "yes", "no");
  }

  /** Traces as models write them: prose, formulas, some repeated lines, thinking tags, a box. */
  private static List<String> traces() {
    SplittableRandom random = new SplittableRandom(11);
    String[] words =
        ("so let me compute the sum of x and y then check whether it holds wait that is not right"
                + " since 12 + 30 = 42 we get \\frac{3}{4} or {x} perhaps")
            .split(" ");
    List<String> traces = new ArrayList<>();
    for (int i = 0; i < NUM_TRACES; i++) {
      StringBuilder trace = new StringBuilder("<think>");
      while (trace.length() < TRACE_CHARACTERS - 100) {
        trace.append(words[random.nextInt(words.length)]);
        trace.append(random.nextInt(12) == 0 ? '\n' : ' ');
        if (random.nextInt(50) == 0) {
          trace.append(random.nextInt(1_000));
        }
      }
      trace.append("</think>\nThe answer is {\"answer\": 42}, that is \\boxed{42}.\n");
      traces.add(trace.toString());
    }
    return traces;
  }

  private static void print(String name, List<String> traces, ToIntFunction<String> function) {
    double[] rates = rates(traces.size(), i -> function.applyAsInt(traces.get(i)));
    System.out.printf(
        "| `%s` | %,.0f | %,.0f | %,.0f |%n",
        name, rates[ROUNDS - 1], rates[ROUNDS / 2], rates[ROUNDS - 1] * TRACE_CHARACTERS / 1e6);
  }

  private static void printPair(String name, String a, String b) {
    double[] rates = rates(1, i -> Answers.equal(a, b) ? 1 : 0);
    System.out.printf("| %s | %,.0f | %,.0f |%n", name, rates[ROUNDS - 1], rates[ROUNDS / 2]);
  }

  private interface Work {
    int run(int index);
  }

  /** Runs a second in ascending order of speed. */
  private static double[] rates(int numInputs, Work work) {
    int[] expected = new int[numInputs];
    for (int i = 0; i < numInputs; i++) {
      expected[i] = work.run(i);
    }
    double[] rates = new double[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
      long start = THREADS.getCurrentThreadCpuTime();
      long done = 0;
      while (THREADS.getCurrentThreadCpuTime() - start < ROUND_NANOS) {
        int input = (int) (done % numInputs);
        if (work.run(input) != expected[input]) {
          throw new IllegalStateException("another result for input " + input);
        }
        done++;
      }
      if (round >= 0) {
        rates[round] = done * 1e9 / (THREADS.getCurrentThreadCpuTime() - start);
      }
    }
    java.util.Arrays.sort(rates);
    return rates;
  }
}
