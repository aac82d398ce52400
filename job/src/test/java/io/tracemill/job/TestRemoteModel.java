package io.tracemill.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model on a file system of another scheme through the whole job. */
class TestRemoteModel {
  private static final List<String> KEYS =
      List.of("spark.hadoop.fs.tiny.impl", "spark.hadoop.tiny.log");

  @TempDir private Path folder;

  @BeforeEach
  void knowTheFileSystem() {
    JobRun.spark();
    SparkConf conf = SparkEnv.get().conf();
    conf.set(KEYS.get(0), "io.tracemill.udf.model.TinyFileSystem");
    conf.set(KEYS.get(1), folder.resolve("opened.log").toString());
  }

  @AfterEach
  void forgetIt() {
    KEYS.forEach(SparkEnv.get().conf()::remove);
  }

  @Test
  void aRemoteModelIsCopiedOnceAndIsTheSameModel() throws Exception {
    Path cache = folder.resolve("cache");
    Path in = JobRun.file(folder, "in.jsonl", "{\"id\": \"a\", \"prompt\": \"hi\"}\n");
    for (String out : List.of("first", "second")) {
      JobRun run =
          JobRun.of(
              "run",
              "--input=" + in,
              "--output=" + folder.resolve(out),
              "--model=tiny://host" + JobRun.MODEL,
              "--model-cache=" + cache);
      assertThat(run.exitCode()).as(run.output()).isZero();
    }
    JobRun local = JobRun.run(in, folder.resolve("local"));
    assertThat(local.exitCode()).as(local.output()).isZero();

    // The copy in the cache is whole: files and sizes of the source.
    List<Path> copies;
    try (Stream<Path> list = Files.list(cache)) {
      copies =
          list.filter(path -> path.getFileName().toString().matches("model-[0-9a-f]{16}")).toList();
    }
    assertThat(copies).hasSize(1);
    for (String name : List.of("config.json", "tokenizer.json", "model.safetensors")) {
      assertThat(copies.get(0).resolve(name)).hasSameBinaryContentAs(JobRun.MODEL.resolve(name));
    }
    // Where it came from makes no difference to what it is.
    for (String column : List.of("model_id", "fingerprint")) {
      String first = JobRun.runs(folder.resolve("first")).select(column).head().getString(0);
      assertThat(JobRun.runs(folder.resolve("second")).select(column).head().getString(0))
          .isEqualTo(first);
      assertThat(JobRun.runs(folder.resolve("local")).select(column).head().getString(0))
          .isEqualTo(first);
    }
  }

  @Test
  void aModelThatIsNotThereIsNamed() {
    Path in = JobRun.file(folder, "in.jsonl", "{\"id\": \"a\", \"prompt\": \"hi\"}\n");
    JobRun run =
        JobRun.of(
            "run",
            "--input=" + in,
            "--output=" + folder.resolve("out"),
            "--model=tiny://host/no/such/model",
            "--model-cache=" + folder.resolve("cache"));
    assertThat(run.exitCode()).isEqualTo(2);
    assertThat(run.output())
        .isEqualTo("tracemill: --model tiny://host/no/such/model does not exist.\n");
  }
}
