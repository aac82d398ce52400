package io.tracemill.job.run;

import io.tracemill.job.input.InputArguments;
import io.tracemill.job.output.OutputTables;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.GenerationSettings;
import java.io.Serializable;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything a run was asked for; parsed once on the driver.
 *
 * @param input where prompts come from
 * @param output where tables go
 * @param engine how engines are opened
 * @param generation how rows are generated
 * @param partitions tasks of the generating stage; 0 to choose
 * @param maxErrors rows that may fail
 * @param settings every option by name with the value in force, for the runs table
 */
public record JobArguments(
    InputArguments input,
    OutputTables output,
    EngineSettings engine,
    GenerationSettings generation,
    int partitions,
    ErrorBudget maxErrors,
    Map<String, String> settings)
    implements Serializable {
  public JobArguments {
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
  }

  /** The same run on engines that are opened otherwise. */
  public JobArguments withEngine(EngineSettings other) {
    return new JobArguments(input, output, other, generation, partitions, maxErrors, settings);
  }
}
