package io.tracemill.job.preflight;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What is wrong, collected instead of thrown, so that a person hears of everything at once. A
 * problem stops a run; a warning costs time or money. Each is one sentence.
 */
public final class Findings {
  private final List<JobException> problems = new ArrayList<>();
  private final Set<String> warnings = new LinkedHashSet<>();

  /** What a step makes; empty where it failed, which is a problem. */
  public <T> Optional<T> check(Supplier<T> step) {
    try {
      return Optional.of(step.get());
    } catch (JobException e) {
      problem(e);
    } catch (ReasoningException e) {
      problem(JobErrors.badOption(e.getMessage(), e));
    }
    return Optional.empty();
  }

  /** Runs a step that makes nothing; where it fails, that is a problem. */
  public void verify(Runnable step) {
    check(
        () -> {
          step.run();
          return true;
        });
  }

  /** Adds a problem, once for each sentence. */
  public void problem(JobException problem) {
    if (problems.stream().noneMatch(p -> p.getMessage().equals(problem.getMessage()))) {
      problems.add(problem);
    }
  }

  /** Adds a warning, once for each sentence. */
  public void warning(String sentence) {
    warnings.add(sentence);
  }

  /** The problems' sentences in the order in which they were found. */
  public List<String> problems() {
    return problems.stream().map(JobException::getMessage).toList();
  }

  /** The warnings in the order in which they were found. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /**
   * For callers that stop at the first problem.
   *
   * @throws JobException the first problem, where there is one
   */
  public void requireNone() {
    if (!problems.isEmpty()) {
      throw problems.get(0);
    }
  }
}
