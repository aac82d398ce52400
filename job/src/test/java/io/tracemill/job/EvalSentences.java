package io.tracemill.job;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Mistakes in evaluations and what is said; IN stands for the input, FOLDER for a folder. */
final class EvalSentences {
  static final String INPUT = "{\"id\": \"a\", \"prompt\": \"hi\", \"answer\": \"1\"}\n";

  private EvalSentences() {}

  /** A mistake: options, and the input where it is the input that is wrong. */
  record Mistake(List<String> options, String input) {
    Mistake(String... options) {
      this(List.of(options), INPUT);
    }

    @Override
    public String toString() {
      String given =
          options.isEmpty()
              ? "no policy"
              : options.stream()
                  .map(word -> word.contains(" ") ? "\"" + word + "\"" : word)
                  .collect(Collectors.joining(" ", "`", "`"));
      return input.equals(INPUT) ? given : given + " with `" + input.strip() + "`";
    }
  }

  /** Sentences by mistake, in the order of the page. */
  static Map<Mistake, String> all() {
    Map<Mistake, String> all = new LinkedHashMap<>();
    all.put(
        new Mistake(), "No policy is given; add --policy, such as --policy full, or --grid FILE.");
    all.put(
        new Mistake("--policy", "magic rows=4"),
        "--policy is 'magic rows=4'; KV policy 'magic' is unknown; choose one of full, rpc,"
            + " sinks-window, random, tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase,"
            + " triattention.");
    all.put(
        new Mistake("--policy", "tova rows"),
        "--policy is 'tova rows'; after the name, 'rows' must be of the form name=value.");
    all.put(
        new Mistake("--policy", "tova rows=64||128"),
        "--policy is 'tova rows=64||128'; a value between bars is empty, write such as"
            + " rows=256|512.");
    all.put(
        new Mistake("--policy", "rpc interval=long"),
        "--policy is 'rpc interval=long'; its interval must be a whole number.");
    all.put(new Mistake("--policy", " "), "--policy is blank; it must be a policy such as full.");
    all.put(
        new Mistake("--policy", "tova", "--policy", "tova interval=16"),
        "--policy 'tova' and --policy 'tova interval=16' at temperature 0 are the same; leave one"
            + " out.");
    all.put(new Mistake("--grid", "FOLDER/none.txt"), "--grid FOLDER/none.txt does not exist.");
    all.put(
        new Mistake("--policy", "full", "--one-cell-at-a-time", "--sum-up-only"),
        "--one-cell-at-a-time and --sum-up-only exclude each other; give one of them.");
    all.put(
        new Mistake("--policy", "full", "--sum-up-only"),
        "--output FOLDER/out holds no row of this grid; leave out --sum-up-only to generate them.");
    all.put(
        new Mistake("--policy", "full", "--temperature", "-1"),
        "temperature is -1.0; it must be 0 (greedy), or 1e-6 to 100.");
    all.put(
        new Mistake("--policy", "full", "--samples", "0"), "--samples is 0; it must be 1 or more.");
    all.put(
        new Mistake("--policy", "full", "--parameter-column", "temperature=heat"),
        "--parameter-column temperature cannot be given: the grid of an evaluation decides it for"
            + " every row.");
    all.put(
        new Mistake("--policy", "full", "--input-format", "openai-batch"),
        "--input-format openai-batch has no column of answers to grade against; give a table with"
            + " prompts or messages and answers.");
    all.put(
        new Mistake("--policy", "full", "--answer-column", "gold"),
        "--answer-column gold: --input IN has no such column; it has answer, id.");
    all.put(
        new Mistake(
            List.of("--policy", "full"),
            "{\"id\": \"a\", \"prompt\": \"hi\", \"answer\": \" \"}\n"),
        "--answer-column answer of --input IN holds no answer; there is nothing to grade against.");
    all.put(
        new Mistake(
            List.of("--policy", "full"),
            "{\"id\": \"a\", \"prompt\": \"hi\", \"answer\": \"1\", \"variant\": 2}\n"),
        "Column variant of --input has a name that an evaluation gives to a column of its own;"
            + " rename it.");
    return all;
  }
}
