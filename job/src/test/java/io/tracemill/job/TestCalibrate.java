package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.QueryCollector;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.compress.CalibratedModel;
import io.tracemill.engine.compress.CalibrationFile;
import io.tracemill.engine.compress.QueryCalibration;
import io.tracemill.engine.text.ChatOptions;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.engine.text.Tokenizer;
import io.tracemill.udf.ReasoningEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A calibration from texts to a file, and a run that uses it, with the demo model. */
@Tag("model")
class TestCalibrate {
  private static final List<String> QUESTIONS =
      List.of("What is 7 + 8?", "Add 12 and 30.", "What is 4 * 9?", "5 - 3 + 8 = ?", "Count to 9.");

  @TempDir private static Path folder;
  private static Path prompts;
  private static Path run;

  @BeforeAll
  static void generateTraces() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < QUESTIONS.size(); i++) {
      lines.append("{\"id\": %d, \"prompt\": \"%s\"}\n".formatted(i, QUESTIONS.get(i)));
    }
    lines.append("{\"id\": 9, \"prompt\": \" \"}\n"); // No text to run a model over.
    prompts = JobRun.file(folder, "in.jsonl", lines.toString());
    run = folder.resolve("run");
    generate(run, "--kv-policy=full", "--max-new-tokens=60");
  }

  @Test
  void sumsOfAllTasksAreThoseOfOneProcess() throws IOException {
    Path file = folder.resolve("prompts.bin");
    JobRun done = calibrate(prompts, file);
    List<int[]> texts = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizer.load(JobRun.MODEL)) {
      PromptTokenizer encoder = encoder(tokenizer);
      for (String question : QUESTIONS) {
        texts.add(encoder.encode(new Prompt.Text(question)).tokenIds());
      }
    }
    QueryCalibration calibration = requireSums(file, texts);
    assertThat(calibration.origin().texts()).isEqualTo(5);
    assertThat(done.output())
        .matches(
            "Calibration of model@[0-9a-f]{12} over %d tokens of 5 prompts \\(all there are; 32,000 were asked for\\) in [0-9.]+ s: %s \\([0-9,]+ bytes\\)\n"
                .formatted(calibration.origin().tokens(), file));
  }

  @Test
  void theFolderOfARunGivesPromptsWithTheirTracesTokenByToken() throws IOException {
    Path file = folder.resolve("traces.bin");
    JobRun done = calibrate(run, file);
    assertThat(done.output()).contains(" of 5 prompts with their traces (all there are; ");
    List<int[]> texts = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizer.load(JobRun.MODEL)) {
      PromptTokenizer encoder = encoder(tokenizer);
      for (Row row :
          JobRun.traces(run)
              .filter("status = 'ok'")
              .select("prompt", "token_ids")
              .collectAsList()) {
        int[] prompt = encoder.encode(new Prompt.Text(row.getString(0))).tokenIds();
        List<Integer> output = row.getList(1);
        int[] text = Arrays.copyOf(prompt, prompt.length + output.size());
        for (int i = 0; i < output.size(); i++) {
          text[prompt.length + i] = output.get(i);
        }
        texts.add(text);
      }
    }
    requireSums(file, texts);

    // As many tokens as were asked for, the same ones each time.
    Path some = folder.resolve("some.bin");
    assertThat(calibrate(run, some, "--tokens=100", "--max-context=30").output())
        .contains(" over 100 tokens of 4 prompts with their traces in ");
    Path again = folder.resolve("again.bin");
    calibrate(run, again, "--tokens=100", "--max-context=30", "--threads=1");
    assertThat(again).hasSameBinaryContentAs(some);
  }

  @Test
  void aRunCompressesByTheCalibrationAndItsRowsNameWhatItHolds() throws IOException {
    Path file = folder.resolve("used.bin");
    calibrate(run, file, "--tokens=300");
    SparkConf conf = SparkEnv.get().conf();
    Map<String, String> keys =
        Map.of(
            "spark.hadoop.fs.tiny.impl",
            "io.tracemill.udf.model.TinyFileSystem",
            "spark.hadoop.tiny.log",
            folder.resolve("opened.log").toString());
    keys.forEach(conf::set);
    try {
      List<List<Row>> rows = new ArrayList<>();
      for (String name : List.of(file.toString(), "tiny://host" + file)) {
        Path out = folder.resolve("out" + rows.size());
        generate(
            out,
            "--max-new-tokens=60",
            "--kv-policy=triattention",
            "--kv-option=calibration=" + name,
            "--kv-option=rows=32",
            "--kv-option=interval=8",
            "--kv-option=window=8");
        Row first =
            JobRun.traces(out)
                .selectExpr(
                    "sum(compressions)",
                    "collect_set(request.kv_options['calibration'])",
                    "count_if(status = 'error')")
                .head();
        assertThat(first.getLong(0)).isGreaterThan(5);
        assertThat(first.<String>getList(1)).hasSize(1);
        assertThat(first.<String>getList(1).get(0))
            .startsWith(name + "#")
            .hasSize(name.length() + 17);
        assertThat(first.getLong(2)).isEqualTo(1);
        rows.add(
            JobRun.traces(out).select("row_key", "token_ids").orderBy("row_key").collectAsList());
      }
      assertThat(rows.get(1)).isEqualTo(rows.get(0));
    } finally {
      keys.keySet().forEach(conf::remove);
    }
  }

  @Test
  void anotherModelsTracesAndCalibrationAreRefused() throws IOException {
    Path file = folder.resolve("mine.bin");
    calibrate(prompts, file, "--tokens=50");
    Path other = Files.createDirectory(folder.resolve("other"));
    try (var files = Files.list(JobRun.MODEL)) {
      for (Path each : files.filter(Files::isRegularFile).toList()) {
        Files.copy(each, other.resolve(each.getFileName()));
      }
    }
    Files.writeString(
        other.resolve("config.json"), Files.readString(other.resolve("config.json")) + "\n");
    JobRun used =
        JobRun.of(
            "run",
            "--input=" + prompts,
            "--output=" + folder.resolve("refused"),
            "--model=" + other,
            "--kv-policy=triattention",
            "--kv-option=calibration=" + file);
    assertThat(used.exitCode()).isEqualTo(2);
    assertThat(used.output())
        .matches(
            "tracemill: The query calibration %s was collected from model@[0-9a-f]{12}, but --model is other@[0-9a-f]{12}; collect one with tracemill calibrate.\n"
                .formatted(file));
    JobRun collected = JobRun.of("calibrate", "--input=" + run, "--model=" + other, "--to=" + file);
    assertThat(collected.exitCode()).isEqualTo(2);
    assertThat(collected.output())
        .matches(
            "tracemill: --input %s holds traces of model@[0-9a-f]{12}, but --model is other@[0-9a-f]{12}; give a run of this model, or a table of prompts.\n"
                .formatted(run));
  }

  @Test
  void aTableWithoutTextsIsRefused() {
    Path blank = JobRun.file(folder, "blank.jsonl", "{\"id\": 1, \"prompt\": \" \"}\n");
    JobRun run =
        JobRun.of(
            "calibrate",
            "--input=" + blank,
            "--model=" + JobRun.MODEL,
            "--to=" + folder.resolve("none.bin"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output())
        .startsWith("tracemill: --input " + blank + " holds no prompts to calibrate with: ");
    assertThat(run.output().lines()).hasSize(1);
    assertThat(folder.resolve("none.bin")).doesNotExist();
  }

  private static JobRun calibrate(Path input, Path file, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of("calibrate", "--input=" + input, "--model=" + JobRun.MODEL, "--to=" + file));
    args.addAll(List.of(more));
    JobRun done = JobRun.of(args.toArray(String[]::new));
    assertThat(done.exitCode()).as(done.output()).isZero();
    return done;
  }

  private static void generate(Path out, String... more) {
    List<String> args = new ArrayList<>(List.of(more));
    args.addAll(List.of("--slots=4", "--kv-memory=64m", "--temperature=0"));
    JobRun done =
        JobRun.with(
            ReasoningEngines.INSTANCE, JobRun.arguments(prompts, out, args.toArray(String[]::new)));
    assertThat(done.exitCode()).as(done.output()).isZero();
  }

  private static PromptTokenizer encoder(Tokenizer tokenizer) {
    return PromptTokenizer.load(
        JobRun.MODEL,
        tokenizer,
        ChatOptions.DEFAULT,
        PromptTokenizer.SpecialTokensInInput.PLAIN_TEXT);
  }

  /** The file holds what one collector finds in the texts, in any order. */
  private static QueryCalibration requireSums(Path file, List<int[]> texts) throws IOException {
    byte[] content = Files.readAllBytes(file);
    QueryCalibration calibration = CalibrationFile.read(file.toString(), content);
    CalibratedModel model = calibration.origin().model();
    assertThat(model.name()).startsWith("model@" + model.contentHash().substring(0, 12));
    Collections.reverse(texts);
    try (QueryCollector collector = QueryCollector.open(JobRun.MODEL, 8192, 1)) {
      assertThat(content)
          .isEqualTo(CalibrationFile.write(collector.collect(texts.iterator()).calibration(model)));
    }
    assertThat(calibration.origin().tokens())
        .isEqualTo(texts.stream().mapToInt(text -> text.length).sum());
    return calibration;
  }
}
