package io.tracemill.job.run;

import io.tracemill.job.input.InputArguments;
import io.tracemill.job.length.LengthModelChoice;
import io.tracemill.job.output.Export;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.wave.ResumeRules;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.HostSettings;
import java.io.Serializable;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/**
 * Everything a run was asked for; parsed once on the driver.
 *
 * @param input where prompts come from
 * @param output where tables go
 * @param exports what is written beside them
 * @param engine how engines are opened
 * @param host what hosts provide for engines
 * @param generation how rows are generated
 * @param partitions tasks of the generating stage of a wave; 0 to choose
 * @param waveRows result rows that are committed together; 0 to choose
 * @param resume what becomes of rows that the output holds already
 * @param maxErrors rows that may fail
 * @param lengthModel what predicts how long rows get
 * @param settings every option by name with the value in force, for the runs table
 */
public record JobArguments(
    InputArguments input,
    OutputTables output,
    Set<Export> exports,
    EngineSettings engine,
    HostSettings host,
    GenerationSettings generation,
    int partitions,
    long waveRows,
    ResumeRules resume,
    ErrorBudget maxErrors,
    LengthModelChoice lengthModel,
    Map<String, String> settings)
    implements Serializable {
  public JobArguments {
    exports = Set.copyOf(exports);
    settings = Collections.unmodifiableMap(new TreeMap<>(settings));
  }

  /**
   * Refuses an output that cannot be written, or may not be used because it holds rows.
   *
   * @throws io.tracemill.job.error.JobException where that is so
   */
  public void requireOutput(Configuration hadoop) {
    if (resume.output() == ResumeRules.Used.REFUSE) {
      output.requireFree(hadoop);
    } else {
      output.requireUsable(hadoop);
    }
  }

  /** The same run over other rows. */
  public JobArguments withInput(InputArguments other) {
    return new JobArguments(
        other,
        output,
        exports,
        engine,
        host,
        generation,
        partitions,
        waveRows,
        resume,
        maxErrors,
        lengthModel,
        settings);
  }

  /** The same run on engines that are opened otherwise. */
  public JobArguments withEngine(EngineSettings other) {
    return new JobArguments(
        input,
        output,
        exports,
        other,
        host,
        generation,
        partitions,
        waveRows,
        resume,
        maxErrors,
        lengthModel,
        settings);
  }
}
