package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.QuerySums;
import io.tracemill.job.input.BadRows;
import io.tracemill.job.preflight.SparkSentences;
import io.tracemill.udf.EngineHolder;
import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.ReasoningEngines;
import io.tracemill.udf.device.DeviceSentences;
import io.tracemill.udf.model.ModelSentences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every mistake that stops a run before anything is generated, with the sentence a user sees. The
 * same table is the page docs/errors.md; write it anew with {@code -Dtracemill.docs=write}.
 */
class TestBadInput {
  private static final Path PAGE = Path.of("../docs/errors.md");
  private static final String GOOD = "{\"id\": \"a\", \"prompt\": \"hi\"}\n";

  @TempDir private Path folder;

  /** A mistake: what is given, and what is said. */
  record Mistake(String given, String[] options, String file, String content, String said) {
    @Override
    public String toString() {
      return given;
    }
  }

  private static Mistake option(String given, String said) {
    return new Mistake("`" + given + "`", given.split(" "), "in.jsonl", GOOD, said);
  }

  private static Mistake file(String what, String name, String content, String said) {
    return new Mistake(what, new String[0], name, content, said);
  }

  private static Mistake file(
      String what, String options, String name, String content, String said) {
    return new Mistake(what, options.split(" "), name, content, said);
  }

  static Stream<Mistake> mistakes() {
    return Stream.of(
        option("--colour red", "Unknown options: '--colour', 'red'. See --help."),
        option(
            "--slots many",
            "Invalid value for option '--slots': 'many' is not an int. See --help."),
        option("--slots 0", "--slots is 0; it must be 1 or more."),
        option("--threads -1", "--threads is -1; it must be 0 or more."),
        option("--call-timeout 0", "--call-timeout is 0; it must be from 1 to 86400 seconds."),
        option("--prefill-chunk 0", "--prefill-chunk is 0; it must be 1 or more."),
        option("--partitions 0", "--partitions is 0; it must be 1 or more."),
        option("--wave-rows 0", "--wave-rows is 0; it must be 1 or more."),
        option(
            "--changed-rows maybe",
            "--changed-rows is 'maybe'; it must be one of refuse, keep, regenerate."),
        option(
            "--length-model FOLDER/none",
            "--length-model FOLDER/none does not exist; train one with tracemill lengths, or leave"
                + " the option out."),
        option(
            "--length-model FOLDER",
            "--length-model FOLDER is no length model (it has no folder metadata); train one with"
                + " tracemill lengths, or give none."),
        option("--samples 0", "--samples is 0; it must be 1 or more."),
        option("--max-new-tokens 0", "max-new-tokens is 0; it must be 1 or more."),
        option("--max-new-tokens -5", "max-new-tokens is -5; it must be 1 or more."),
        option("--temperature -1", "temperature is -1.0; it must be 0 (greedy), or 1e-6 to 100."),
        option("--top-p 0", "top-p is 0.0; it must be above 0 and at most 1."),
        option("--top-k -1", "top-k is -1; it must be 0 (off) or more."),
        option("--min-p 1", "min-p is 1.0; it must be at least 0 and below 1."),
        option(
            "--repetition-penalty 0",
            "repetition-penalty is 0.0; it must be above 0 and at most 100."),
        option("--stop=", "A stop string is empty; leave it out or give it a text."),
        option(
            "--kv-policy magic",
            "KV policy 'magic' is unknown; choose one of full, rpc, sinks-window, random,"
                + " tova, snapkv, h2o, r-kv, g-kv, lagkv, chunkkv, vase, triattention."),
        option(
            "--kv-policy tova --kv-option rows=many",
            "Option rows of KV policy tova is 'many'; it must be a whole number from 1 to"
                + " 1073741824."),
        option("--query-ring -1", "--query-ring is -1; it must be from 0 to 65536."),
        option(
            "--kv-policy triattention",
            "KV policy triattention needs option calibration: a file of query statistics of the"
                + " model."),
        option(
            "--kv-policy triattention --kv-option calibration=FOLDER/none",
            "The query calibration FOLDER/none cannot be used: there is no such file."),
        option(
            "--kv-policy triattention --kv-option calibration=IN",
            "The query calibration IN cannot be used: it does not hold query statistics."),
        option(
            "--kv-policy triattention --kv-option calibration=nosuch://host/file",
            "The query calibration nosuch://host/file cannot be used: reading it failed, Spark"
                + " knows no file system nosuch:, add its jar."),
        option(
            "--kv-option interval=long",
            "--kv-option interval is long; it must be a whole number."),
        option(
            "--rpc-interval 1000 --rpc-ratio 3",
            "The interval of KV policy rpc, 1000 tokens, is not divisible by the compression ratio"
                + " 3; choose a multiple such as 999."),
        option(
            "--rpc-interval 64 --rpc-window 64",
            "The window of KV policy rpc is 64 tokens; it must be smaller than the interval of 64"
                + " tokens."),
        option(
            "--rpc-interval -64",
            "The interval of KV policy rpc is -64; it must be at least 2 tokens."),
        option(
            "--rpc-ratio 1", "The compression ratio of KV policy rpc is 1; it must be at least 2."),
        option(
            "--rpc-mode fast", "KV policy rpc has no mode 'fast'; choose one of paper, release."),
        option(
            "--rpc-pooling-kernel 4",
            "Option pooling-kernel of KV policy rpc is '4'; it must be an odd number from 1 (off)"
                + " to 63."),
        option(
            "--kv-memory-fraction 1.5",
            "--kv-memory-fraction is 1.5; it must be above 0 and at most 1."),
        option(
            "--kv-memory lots",
            "--kv-memory is 'lots'; it must be a size above 0 such as 512m or 4g."),
        option(
            "--kv-element int3",
            "--kv-element is 'int3'; it must be one of backend-default, float32, bf16."),
        option(
            "--admission always",
            "--admission is 'always'; it must be one of lookahead, reserve-peak, expected."),
        option(
            "--max-errors some",
            "--max-errors is 'some'; it must be a number of rows such as 20, or a share such as"
                + " 5%."),
        option("--max-errors 101%", "--max-errors is 101%; it must be at most 100%."),
        option(
            "--input-format xml",
            "--input-format is 'xml'; it must be one of jsonl, openai-batch, json, parquet, delta, csv, text."),
        option(
            "--output-format orc",
            "--output-format is 'orc'; it must be delta or parquet, openai-batch, or one of each"
                + " with a comma."),
        option(
            "--parameter-column heat=x",
            "--parameter-column is 'heat'; it must be one of temperature, top-p, top-k, min-p,"
                + " repetition-penalty, max-new-tokens, seed, stop, samples, kv-policy."),
        option(
            "--parameter-column seed=x",
            "--parameter-column seed= x: --input IN has no such column; it has id."),
        option(
            "--prompt-column prompt --input-format openai-batch",
            "--prompt-column and --input-format openai-batch exclude each other; give one of"
                + " them."),
        file(
            "requests of OpenAI's Batch format without `--input-format openai-batch`",
            "in.jsonl",
            "{\"custom_id\": \"a\", \"body\": {\"messages\": []}}\n",
            "--input IN holds requests of OpenAI's Batch format; add --input-format openai-batch."),
        option(
            "--prompt-column p --messages-column m",
            "--prompt-column and --messages-column exclude each other; give one of them."),
        option("--model /no/model", "--model /no/model does not exist or is not a folder."),
        option(
            "--model nosuch://host/model",
            "--model nosuch://host/model: Spark knows no file system nosuch:; add its jar (for s3a"
                + " the package hadoop-aws) or copy the model."),
        option("--model-cache here", "--model-cache is 'here'; it must be an absolute path."),
        option("--device -2", "--device is -2; it must be 0 or more."),
        option(
            "--device-sharing maybe",
            "--device-sharing is 'maybe'; it must be one of refuse, allow."),
        option(
            "--model FOLDER",
            "--model FOLDER has no config.json; give the folder of a Hugging"
                + " Face checkpoint."),
        option("--input FOLDER/none.jsonl", "--input FOLDER/none.jsonl does not exist."),
        option(
            "--prompt-column question",
            "--prompt-column question: --input IN has no such column; it has id, prompt."),
        option(
            "--id-column key",
            "--id-column key: --input IN has no such column; it has id, prompt."),
        option(
            "--messages-column prompt",
            "--messages-column prompt of --input IN is of type STRING; it must be"
                + " ARRAY<STRUCT<role: STRING, content: STRING>>."),
        option("--output IN", "--output IN cannot be used: it is a file, not a folder."),
        file(
            "a file of an unknown kind",
            "in.dat",
            "hello",
            "The format of --input IN cannot be told from its name; add --input-format."),
        file("an empty file", "in.jsonl", "", "--input IN holds no rows; nothing was started."),
        file(
            "a CSV file with a header alone",
            "in.csv",
            "id,prompt\n",
            "--input IN holds no rows; nothing was started."),
        file(
            "JSONL of which no line is an object",
            "in.jsonl",
            "hello\nworld\n",
            "--input IN cannot be read as jsonl: no row of it is."),
        file(
            "neither prompts nor messages",
            "in.jsonl",
            "{\"id\": 1, \"text\": \"hi\"}\n",
            "--input IN has neither a column 'prompt' nor 'messages'; name one with --prompt-column"
                + " or --messages-column (it has id, text)."),
        file(
            "prompts that are numbers",
            "in.jsonl",
            "{\"id\": 1, \"prompt\": 5}\n",
            "--prompt-column prompt of --input IN is of type BIGINT; it must be STRING."),
        file(
            "ids that are lists",
            "in.jsonl",
            "{\"id\": [1], \"prompt\": \"hi\"}\n",
            "--id-column id of --input IN is of type ARRAY<BIGINT>; it must be a text or a"
                + " number."),
        file(
            "ids that come twice",
            "in.jsonl",
            "{\"id\": 7, \"prompt\": \"a\"}\n{\"id\": 8, \"prompt\": \"b\"}\n"
                + "{\"id\": 7, \"prompt\": \"c\"}\n",
            "Column id of --input IN is not unique ('7' 2 times); every row needs its own id."),
        file(
            "a file that is not the Parquet it is said to be",
            "--input-format parquet",
            "in.jsonl",
            GOOD,
            "--input IN cannot be read as parquet: "));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void aMistakeGetsOneSentenceAndExitCode2AndStartsNothing(Mistake mistake) {
    int opened = FakeEngine.OPENED.get();
    JobRun run = run(mistake);
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output().lines()).hasSize(1);
    String said = shown(run.output());
    if (mistake.said().endsWith(": ")) {
      assertThat(said).startsWith("tracemill: " + mistake.said());
    } else {
      assertThat(said).isEqualTo("tracemill: " + mistake.said());
    }
    assertThat(folder.resolve("out")).doesNotExist();
    assertThat(FakeEngine.OPENED.get() - opened).as("engines opened").isLessThanOrEqualTo(1);
  }

  /** Mistakes in other commands than run. */
  static Stream<Mistake> commandMistakes() {
    return Stream.of(
        option("preflight --sample-rows 0", "--sample-rows is 0; it must be 1 or more."),
        option("preflight --sample-seconds 0", "--sample-seconds is 0; it must be 1 or more."),
        option("preflight --price-per-hour -2", "--price-per-hour is -2.0; it must be 0 or more."),
        option("replay --output FOLDER/none", "Missing required parameter: 'KEY'. See --help."),
        option("replay a", "Missing required option: '--output=PATH'. See --help."),
        option(
            "replay a --output FOLDER/none --sample -1", "--sample is -1; it must be 0 or more."),
        option(
            "replay a --output FOLDER/none --device -1", "--device is -1; it must be 0 or more."),
        option(
            "replay a --output FOLDER/none",
            "--output FOLDER/none holds no traces; give the --output folder of a run."),
        option(
            "sql --tables FOLDER/none SELECT",
            "FOLDER/none holds no tables of Tracemill; give the --output folder of a run with"
                + " --tables."),
        option("sql --rows 0 SELECT", "--rows is 0; it must be 1 or more."),
        option("lengths", "Missing required option: '--output=PATH'. See --help."),
        option(
            "lengths --output FOLDER/none",
            "--output FOLDER/none holds no traces; give the --output folder of a run."),
        option(
            "duplicates --input FOLDER/none.jsonl --similarity 1",
            "--similarity is 1.0; it must be above 0 and below 1."),
        option(
            "duplicates --input FOLDER/none.jsonl --to-format csv",
            "--to-format is 'csv'; it must be one of delta, parquet."),
        option("duplicates --input FOLDER/none.jsonl", "--input FOLDER/none.jsonl does not exist."),
        option("report --runs a,b,c", "--runs is a,b,c; it must be one or two run ids."),
        option(
            "report --runs a --compare FOLDER/none",
            "--compare and --runs exclude each other; give one of them."),
        option(
            "report --output FOLDER/none",
            "FOLDER/none holds no tables of Tracemill; give the --output folder of a run with"
                + " --tables."),
        option("calibrate --input FOLDER/none.jsonl", "--input FOLDER/none.jsonl does not exist."),
        option("calibrate --tokens 0", "--tokens is 0; it must be from 1 to 10000000."),
        option("calibrate --max-context 0", "--max-context is 0; it must be 1 or more."),
        option("calibrate --threads -1", "--threads is -1; it must be 0 or more."),
        option(
            "calibrate --model /no/model", "--model /no/model does not exist or is not a folder."),
        option(
            "calibrate --to FOLDER",
            "--to FOLDER cannot be used: it is a folder, give the name of a file."),
        option(
            "calibrate --to FOLDER/none/queries.bin",
            "--to FOLDER/none/queries.bin cannot be used: there is no folder FOLDER/none."),
        option(
            "calibrate --prompt-column question",
            "--prompt-column question: --input FOLDER/in.jsonl has no such column; it has id,"
                + " prompt."));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("commandMistakes")
  void aMistakeInAnotherCommandGetsOneSentenceToo(Mistake mistake) {
    List<String> args = new ArrayList<>();
    for (String option : mistake.options()) {
      args.add(option.replace("FOLDER", folder.toString()));
    }
    if (args.get(0).equals("preflight")) {
      Path in = JobRun.file(folder, mistake.file(), mistake.content());
      args.addAll(List.of("--input", in.toString(), "--model", JobRun.MODEL.toString()));
      args.addAll(List.of("--output", folder.resolve("out").toString()));
    }
    if (args.get(0).equals("calibrate")) {
      List<String> given = List.copyOf(args);
      addUnless(args, given, "--input", JobRun.file(folder, mistake.file(), GOOD).toString());
      addUnless(args, given, "--model", JobRun.MODEL.toString());
      addUnless(args, given, "--to", folder.resolve("queries.bin").toString());
    }
    JobRun run = JobRun.of(args.toArray(String[]::new));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output().strip().replace(folder.toString(), "FOLDER"))
        .isEqualTo("tracemill: " + mistake.said());
  }

  private static final String POLICY_GIVEN =
      "`--kv-policy triattention` with the query calibration of another model";
  private static final String POLICY_SAID = "The query calibration was made for ";

  /** Of the real engine, which reads the model's configuration only. */
  @Test
  void aPolicyThatTheBackendCannotRunEndsTheRunBeforeTheModelIsLoaded() throws IOException {
    QuerySums other = new QuerySums(1, 4, 32);
    for (int head = 0; head < 4; head++) {
      other.add(0, head, new float[64], 0);
    }
    other.countText(1);
    Path calibration = folder.resolve("other.bin");
    Files.write(calibration, CalibrationFile.write(other.calibration(CalibratedModel.UNKNOWN)));
    EngineHolder.closeIdle();
    JobRun run =
        JobRun.with(
            ReasoningEngines.INSTANCE,
            JobRun.arguments(
                JobRun.file(folder, "in.jsonl", GOOD),
                folder.resolve("out"),
                "--kv-policy",
                "triattention",
                "--kv-option",
                "calibration=" + calibration));
    assertThat(run.exitCode()).as(run.output()).isEqualTo(2);
    assertThat(run.output().lines()).hasSize(1);
    assertThat(run.output()).startsWith("tracemill: " + POLICY_SAID);
    assertThat(folder.resolve("out")).doesNotExist();
  }

  @Test
  void requiredOptionsAreNamed() {
    JobRun run = JobRun.of("run", "--input", "x.jsonl");
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output().strip())
        .isEqualTo(
            "tracemill: Missing required options: '--output=PATH', '--model=DIR|URI'. See --help.");
  }

  @Test
  void aKeyOfSparksConfigurationSetsAnOptionAndAnUnknownOneIsRefused() {
    Path in = JobRun.file(folder, "in.jsonl", GOOD);
    Properties keys = new Properties();
    keys.setProperty("spark.tracemill.slots", "0");
    JobRun run = JobRun.with(FakeEngine.fast(), keys, JobRun.arguments(in, folder.resolve("out")));
    assertThat(run.output().strip()).isEqualTo("tracemill: --slots is 0; it must be 1 or more.");

    keys.setProperty("spark.tracemill.slotz", "4");
    JobRun typo = JobRun.with(FakeEngine.fast(), keys, JobRun.arguments(in, folder.resolve("out")));
    assertThat(typo.exitCode()).isEqualTo(2);
    assertThat(typo.output().strip())
        .isEqualTo(
            "tracemill: spark.tracemill.slotz is no setting of Tracemill; the part after"
                + " spark.tracemill. must be an option's name, see --help.");
  }

  @Test
  void thePageOfErrorsIsThisTable() throws IOException {
    StringBuilder page = new StringBuilder();
    page.append("# What is refused, and the sentence that says so\n\n");
    page.append("Written by the test `TestBadInput` (`-Dtracemill.docs=write`). IN stands for the");
    page.append(" input, FOLDER for a folder.\nNothing is started; the exit code is 2.\n\n");
    page.append("| given | said |\n|---|---|\n");
    mistakes()
        .forEach(
            mistake ->
                page.append("| %s | %s |\n".formatted(mistake.given(), ending(mistake.said()))));
    page.append("| %s | %s(the backend's reason) |\n".formatted(POLICY_GIVEN, POLICY_SAID));
    page.append(
        "\nCommands beside `run`; `preflight` and `run --dry-run` list every problem of a run at once,"
            + " each with the sentence\nof these tables:\n\n| given | said |\n|---|---|\n");
    commandMistakes()
        .forEach(
            mistake -> page.append("| %s | %s |\n".formatted(mistake.given(), mistake.said())));
    page.append("\nEvaluations (`eval`), beside the sentences of a run:\n\n");
    page.append("| given | said |\n|---|---|\n");
    EvalSentences.all()
        .forEach(
            (mistake, said) ->
                page.append(
                    "| %s | %s |\n"
                        .formatted(
                            mistake.toString().replace("|", "\\|"), said.replace("|", "\\|"))));
    page.append("\nWhat the tables of a report can be wrong for:\n\n");
    page.append("| happened | said |\n|---|---|\n");
    ReportSentences.all()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    page.append("\nSpark's settings and clusters; `preflight` lists all of them at once:\n\n");
    page.append("| set or happened | said |\n|---|---|\n");
    SparkSentences.problems()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    page.append("\nWhat `preflight` warns of, for executors of 8 cores; it stops nothing:\n\n");
    page.append("| set | said |\n|---|---|\n");
    SparkSentences.warnings()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    page.append("\nWhere the output holds rows already, or another run writes to it:\n\n");
    page.append("| happened | said |\n|---|---|\n");
    ResumeSentences.all()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    page.append("\nWhat is wrong with one row becomes a result row with status `error`:\n\n");
    page.append("| row | error_class | error_message |\n|---|---|---|\n");
    TestRowErrors.problems()
        .forEach(
            problem ->
                page.append(
                    "| %s | %s | %s |\n"
                        .formatted(problem.row(), problem.errorClass(), problem.message())));
    page.append("\nA row's own settings, from columns or from a request:\n\n");
    page.append("| setting | error_class | error_message |\n|---|---|---|\n");
    BadRows.settings()
        .forEach(
            bad ->
                page.append(
                    "| %s %s | INVALID_ARGUMENT | %s |\n"
                        .formatted(bad.parameter().label(), bad.value(), bad.said())));
    page.append("\nRequests of OpenAI's Batch format:\n\n");
    page.append("| line | error_class | error_message |\n|---|---|---|\n");
    BadRows.requests()
        .forEach(
            bad ->
                page.append("| `%s` | INVALID_PROMPT | %s |\n".formatted(bad.line(), bad.said())));
    page.append("\nWhat happens on hosts, when a model is copied or an engine opened:\n\n");
    page.append("| happened | said |\n|---|---|\n");
    ModelSentences.all()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    DeviceSentences.all()
        .forEach((what, said) -> page.append("| %s | %s |\n".formatted(what, said)));
    if ("write".equals(System.getProperty("tracemill.docs"))) {
      Files.writeString(PAGE, page);
    }
    assertThat(Files.readString(PAGE)).isEqualTo(page.toString());
  }

  private static String ending(String said) {
    return said.endsWith(": ") ? said + "(the reader's reason)" : said;
  }

  private JobRun run(Mistake mistake) {
    Path in = JobRun.file(folder, mistake.file(), mistake.content());
    List<String> more = new ArrayList<>();
    for (String option : mistake.options()) {
      more.add(option.replace("FOLDER", folder.toString()).replaceAll("(^|=)IN$", "$1" + in));
    }
    // An option of the case stands in for the one that every run has.
    List<String> args = new ArrayList<>(List.of("run"));
    addUnless(args, more, "--input", in.toString());
    addUnless(args, more, "--output", folder.resolve("out").toString());
    addUnless(args, more, "--model", JobRun.MODEL.toString());
    args.addAll(more);
    return JobRun.of(args.toArray(String[]::new));
  }

  private static void addUnless(List<String> args, List<String> more, String name, String value) {
    if (!more.contains(name)) {
      args.add(name);
      args.add(value);
    }
  }

  private String shown(String output) {
    String shown = output.strip();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file :
          files.filter(file -> file.getFileName().toString().startsWith("in.")).toList()) {
        shown = shown.replace(file.toString(), "IN");
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return shown.replace(folder.toString(), "FOLDER");
  }
}
