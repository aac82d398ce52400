package io.tracemill.job;

import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.OutputErrors;
import java.util.LinkedHashMap;
import java.util.Map;

/** Every sentence about outputs that hold rows already, for the page of errors. */
final class ResumeSentences {
  private static final String OUT = "OUT";
  private static final String TRACES = "OUT/traces";

  private ResumeSentences() {}

  /** Sentences by what happened. */
  static Map<String, String> all() {
    Map<String, String> all = new LinkedHashMap<>();
    all.put(
        "an output that holds rows, and `--no-resume`",
        OutputErrors.outputTaken(OUT, TRACES).getMessage());
    all.put(
        "rows that were generated with other settings",
        OutputErrors.otherRun(OUT, "seed 0 there, 7 here; temperature 0.0 there, 0.5 here")
            .getMessage());
    all.put("tables in the other format", OutputErrors.otherFormat(OUT, "delta").getMessage());
    all.put("rows of which no run is known", OutputErrors.unknownRun(OUT).getMessage());
    all.put(
        "a table without the columns that rows are found by",
        OutputErrors.oldTable(TRACES).getMessage());
    all.put(
        "prompts that are others now", OutputErrors.changedRows(3, "k7", "IN", OUT).getMessage());
    all.put(
        "more failed rows than `--max-errors` before anything starts",
        OutputErrors.tooManyEarlierErrors(10, 41, "9", OUT).getMessage());
    all.put(
        "the same, while rows are generated (exit code 1)",
        JobErrors.tooManyErrors(10, 41, "9", TRACES).getMessage());
    all.put("two runs that begin at once", OutputErrors.shutOut(TRACES).getMessage());
    all.put(
        "a later run that took over (exit code 1)", OutputErrors.waveLost(7, TRACES).getMessage());
    all.put(
        "a wave of a wrong size (exit code 1)",
        OutputErrors.wrongCount(TRACES, 1_024, 1_023).getMessage());
    all.put(
        "a table that was changed from outside during the run (exit code 1)",
        OutputErrors.notWhole(TRACES, 1_000, 1_002, 1_000).getMessage());
    return all;
  }
}
