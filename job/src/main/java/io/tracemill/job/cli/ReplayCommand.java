package io.tracemill.job.cli;

import io.tracemill.engine.compress.KvPolicies;
import io.tracemill.job.error.JobErrors;
import io.tracemill.job.error.JobException;
import io.tracemill.job.output.OutputFormat;
import io.tracemill.job.output.OutputTables;
import io.tracemill.job.replay.RecordedRow;
import io.tracemill.job.replay.ReplayRun;
import io.tracemill.job.run.ModelFolder;
import io.tracemill.job.session.SparkSessions;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.EngineSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Generates one row of a written table again and compares. */
@Command(
    name = "replay",
    sortOptions = false,
    description =
        "Generates one row of a finished run again with the recorded settings, in this process, and"
            + " compares it token by token. Exit code 0 where every token is the same, 1 where one"
            + " differs. Writes nothing.")
final class ReplayCommand implements Callable<Integer> {
  private static final int DIFFERENT = JobException.Kind.FAILED.exitCode();

  @ParentCommand private TracemillCommand parent;

  @Parameters(paramLabel = "KEY", description = "The row's row_key.")
  private String key;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "PATH",
      description = "The --output folder of the run.")
  private String output;

  @Option(
      names = "--sample",
      paramLabel = "I",
      description = "Which sample of the row, from 0. Default: 0.")
  private int sample;

  @Option(
      names = "--model",
      paramLabel = "DIR|URI",
      description = "Where the model lies now. Default: where it lay then.")
  private String model;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "Another backend than the run's. Default: the one that made the row.")
  private String backend;

  @Option(
      names = "--kv-memory",
      paramLabel = "SIZE",
      description = "Size of the KV cache, such as 4g. Default: as the run was given.")
  private String kvMemory;

  @Option(
      names = "--device",
      paramLabel = "N",
      description = "GPU by CUDA's number, from 0. Default: the first without an engine.")
  private Integer device;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this.")
  @SuppressWarnings("UnusedVariable") // picocli reads it.
  private boolean help;

  /** The options of a run that decide how its engine is opened. */
  @Command
  private static final class EngineOnly {
    @Mixin private EngineCommandOptions engine = new EngineCommandOptions();
    @Mixin private HostOptions host = new HostOptions();
  }

  @Override
  public Integer call() {
    Ranges.atLeast("--sample", sample, 0);
    Ranges.atLeast("--device", device == null ? 0 : device, 0);
    // The format does not matter for reading: tables say themselves what they are.
    OutputTables tables = new OutputTables(output, OutputFormat.DELTA);
    Launcher launcher = parent.launcher();
    SparkConf conf = new SparkConf();
    SparkSession spark = SparkSessions.open(conf, launcher.console()::print);
    try {
      RecordedRow row = RecordedRow.find(spark, tables, key, sample);
      EngineOnly options = options(row);
      ModelFolder folder = options.engine.modelFolder(options.host.modelCache());
      EngineSettings engine =
          options.engine.settings(
              folder, KvPolicies.create(row.generation().kvPolicy()).needs().queryRingDepth());
      boolean same =
          new ReplayRun(
                  engine, launcher.opener(options.host.settings()), folder, launcher.console())
              .run(row);
      return same ? 0 : DIFFERENT;
    } finally {
      EngineHolder.closeIdle();
    }
  }

  /** The run's options, with what belongs to its machine left out and what was given here added. */
  private EngineOnly options(RecordedRow row) {
    Map<String, String> wanted = new LinkedHashMap<>(row.settings());
    wanted.put("backend", row.backend());
    wanted.remove("device");
    wanted.remove("threads");
    // One row at a time; its tokens do not depend on the slots.
    wanted.put("slots", "1");
    if (model != null) {
      wanted.put("model", model);
    }
    if (backend != null) {
      wanted.put("backend", backend);
    }
    if (kvMemory != null) {
      wanted.put("kv-memory", kvMemory);
    }
    if (device != null) {
      wanted.put("device", device.toString());
    }
    EngineOnly options = new EngineOnly();
    CommandLine line = new CommandLine(options);
    List<String> args = new ArrayList<>();
    wanted.forEach(
        (name, value) -> {
          if (line.getCommandSpec().findOption("--" + name) != null && !value.isEmpty()) {
            args.add("--" + name + "=" + value);
          }
        });
    try {
      line.parseArgs(args.toArray(String[]::new));
    } catch (CommandLine.ParameterException e) {
      throw JobErrors.badOption(e.getMessage(), e);
    }
    return options;
  }
}
