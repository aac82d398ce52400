package io.tracemill.udf.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.EngineOptions.Weights;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.host.HostLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestModelCache {
  private static final List<String> NEEDED =
      List.of(
          "config.json",
          "model-1.safetensors",
          "model-2.safetensors",
          "model.safetensors.index.json",
          "tokenizer.json");

  @TempDir private Path folder;
  private Path source;
  private Path log;
  private ModelCache cache;
  private Configuration hadoop;

  @BeforeEach
  void makeModel() throws IOException {
    source = Files.createDirectories(folder.resolve("remote/qwen"));
    log = folder.resolve("opened.log");
    cache = new ModelCache(folder.resolve("cache"));
    hadoop = TinyFileSystem.configuration(log);
    write("config.json", "{}");
    write("tokenizer.json", "{\"model\": {}}");
    write("model-1.safetensors", "a".repeat(5_000));
    write("model-2.safetensors", "b".repeat(3_000));
    write(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"x\": \"model-1.safetensors\", \"y\": \"model-2.safetensors\"}}");
    write("pytorch_model.bin", "c".repeat(9_000));
    write("consolidated.safetensors", "d".repeat(9_000));
    write("README.md", "hello");
  }

  @Test
  void aCopyHoldsWhatTheEngineReadsAndNothingElse() throws IOException {
    Path copy = fetch();
    assertThat(names(copy))
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(NEEDED.stream(), Stream.of(ModelManifest.NAME)).toList());
    assertThat(Files.readString(copy.resolve("model-1.safetensors"))).isEqualTo("a".repeat(5_000));
    assertThat(Files.readString(copy.resolve(ModelManifest.NAME)))
        .contains("\"name\" : \"model-2.safetensors\"", "\"sizeBytes\" : 3000");
    assertThat(leftOvers()).isEmpty();
    assertThat(Files.getPosixFilePermissions(cache.folder())).hasSize(3);
  }

  @Test
  void aSecondFetchReadsNoWeights() throws IOException {
    Path first = fetch();
    Files.delete(log);
    assertThat(fetch()).isEqualTo(first);
    assertThat(Files.readString(log)).isEqualTo("model.safetensors.index.json\n");
  }

  @Test
  void copiesThatNobodyOpenedForAMonthGoWhenAnotherComes() throws IOException {
    Path old = fetch();
    unusedForDays(old, 31);
    write("model-1.safetensors", "e".repeat(5_001));
    Path second = fetch();
    assertThat(old).doesNotExist();
    unusedForDays(second, 29);
    write("model-1.safetensors", "f".repeat(5_002));
    Path third = fetch();
    assertThat(second).as("there is room for both").isDirectory();
    assertThat(leftOvers()).isEmpty();

    unusedForDays(third, 31);
    assertThat(fetch()).as("opening it is using it").isEqualTo(third);
    write("model-1.safetensors", "g".repeat(5_003));
    fetch();
    assertThat(third).isDirectory();
  }

  @Test
  void whereTheDiskIsFullTheOldestCopiesGoButNoneThatWasOpenedToday() throws IOException {
    Path oldest = fetch();
    unusedForDays(oldest, 3);
    write("model-1.safetensors", "e".repeat(5_001));
    Path today = fetch();
    new OldCopies(cache.folder()).makeRoom(1);
    assertThat(oldest).isDirectory();
    new OldCopies(cache.folder()).makeRoom(Long.MAX_VALUE);
    assertThat(oldest).doesNotExist();
    assertThat(today).isDirectory();
    assertThat(leftOvers()).isEmpty();
  }

  @Test
  void aCopyThatAnotherProcessLocksStays() throws IOException {
    Path old = fetch();
    unusedForDays(old, 31);
    String key = old.getFileName().toString();
    try (HostLock lock =
        HostLock.tryAcquire(ModelCache.lockFile(cache.folder(), key), "a test").orElseThrow()) {
      new OldCopies(cache.folder()).makeRoom(1);
      assertThat(old).isDirectory();
    }
  }

  private static void unusedForDays(Path copy, int days) throws IOException {
    Files.setLastModifiedTime(
        copy.resolve(ModelManifest.NAME),
        FileTime.from(Instant.now().minus(Duration.ofDays(days))));
  }

  @Test
  void aDriverWithoutEngineFetchesNoWeights() throws IOException {
    try (RemoteModel model = open()) {
      Path copy = cache.fetchDescription(model);
      assertThat(names(copy)).doesNotContain("model-1.safetensors").contains("tokenizer.json");
      assertThat(cache.fetch(model)).isNotEqualTo(copy);
      assertThat(cache.fetchDescription(model)).isEqualTo(cache.fetch(model));
    }
  }

  @Test
  void manyThreadsFetchOnce() throws Exception {
    hadoop.set("tiny.delay-millis", "5");
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try {
      List<Callable<Path>> calls = new ArrayList<>(Collections.nCopies(6, this::fetch));
      for (Future<Path> copy : threads.invokeAll(calls)) {
        assertThat(copy.get()).isDirectory();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(opened("model-1.safetensors")).isEqualTo(1);
  }

  @Test
  void twoProcessesFetchOnce() throws Exception {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      processes.add(FetchModel.start(TinyFileSystem.uri(source), cache.folder(), log, 40));
    }
    for (Process process : processes) {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
    assertThat(opened("model-1.safetensors")).isEqualTo(1);
    assertThat(opened("model-2.safetensors")).isEqualTo(1);
  }

  @Test
  void aProcessKilledInTheMiddleLeavesNothingThatHarms() throws Exception {
    Process killed = FetchModel.start(TinyFileSystem.uri(source), cache.folder(), log, 400);
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while ((leftOvers().isEmpty() || opened("model-1.safetensors") == 0)
        && System.nanoTime() < patience) {
      Thread.sleep(20);
    }
    killed.destroyForcibly().waitFor();
    assertThat(leftOvers()).hasSize(1);

    Path copy = fetch();
    assertThat(Files.size(copy.resolve("model-1.safetensors"))).isEqualTo(5_000);
    assertThat(leftOvers()).isEmpty();
    assertThat(opened("model-1.safetensors")).isEqualTo(2);
  }

  @Test
  void whatAnotherModelsKilledProcessLeftIsRemovedAndALivingOnesWorkIsNot() throws Exception {
    Files.createDirectories(cache.folder().resolve(".dead-0123456789abcdef.part"));
    Path living = Files.createDirectories(cache.folder().resolve(".alive-0123456789abcdef.part"));
    try (var lock =
        io.tracemill.udf.host.HostLock.tryAcquire(
                cache.folder().resolve(".alive-0123456789abcdef.lock"), "me")
            .orElseThrow()) {
      fetch();
      assertThat(leftOvers()).containsExactly(living);
      lock.close();
    }
  }

  @Test
  void aDamagedCopyIsMadeAgain() throws IOException {
    Path copy = fetch();
    Files.writeString(copy.resolve("model-1.safetensors"), "short");
    assertThat(Files.size(fetch().resolve("model-1.safetensors"))).isEqualTo(5_000);
  }

  @Test
  void anotherStateOfTheModelIsAnotherCopyAndIsRefusedToARunThatBeganBefore() throws IOException {
    Path first = fetch();
    String reference;
    try (RemoteModel model = open()) {
      reference = model.reference().toString();
    }
    write("model-1.safetensors", "e".repeat(5_001));
    assertThat(fetch()).isNotEqualTo(first);
    assertThatThrownBy(() -> RemoteModel.open(reference, Weights.CHECKPOINT, hadoop).close())
        .isInstanceOf(ReasoningException.class)
        .hasMessage(
            "--model %s has changed since the run began (its files have other sizes or dates); leave it alone and start the run again.",
            TinyFileSystem.uri(source));
  }

  @Test
  void checksumsOfTheFileSystemAreCompared() throws IOException {
    hadoop.set("tiny.checksums", "right");
    assertThat(Files.readString(fetch().resolve(ModelManifest.NAME))).contains("COMPOSITE-CRC32C");
    hadoop.set("tiny.checksums", "wrong");
    assertThatThrownBy(this::fetch)
        .isInstanceOf(ReasoningException.class)
        .hasMessageMatching(
            "The copy of \\S+ from --model tiny://\\S+ is damaged \\(its checksum COMPOSITE-CRC32C"
                + " is [0-9a-f]{8} instead of [0-9a-f]{8}\\); try again, and check the file if it"
                + " stays so\\.");
    assertThat(leftOvers()).isEmpty();
  }

  @Test
  void aCutOffStreamIsNoticedByItsSize() throws IOException {
    hadoop.set("tiny.cut", "1000");
    assertThatThrownBy(this::fetch)
        .hasMessageMatching(
            "The copy of model-\\d.safetensors from --model \\S+ is damaged \\(1000 bytes of"
                + " \\d000 came\\); .*");
    assertThat(leftOvers()).isEmpty();
  }

  @Test
  void aBrokenConnectionIsNamedAndLeavesNoPart() throws IOException {
    hadoop.set("tiny.break", "2000");
    assertThatThrownBy(this::fetch)
        .hasMessageMatching(
            "--model tiny://\\S+/model-\\d.safetensors cannot be read: the connection was reset\\.");
    assertThat(leftOvers()).isEmpty();
  }

  @Test
  void everyFaultOfTheSourceHasItsSentence() throws IOException {
    String uri = TinyFileSystem.uri(source);
    assertThatThrownBy(() -> openAt(uri + "/no")).hasMessage("--model %s/no does not exist.", uri);
    assertThatThrownBy(() -> openAt(uri + "/config.json"))
        .hasMessage("--model %s/config.json is a file; give the folder that it lies in.", uri);
    assertThatThrownBy(() -> openAt("nosuch://host/model"))
        .hasMessage(
            "--model nosuch://host/model: Spark knows no file system nosuch:; add its jar (for s3a the package hadoop-aws) or copy the model.");
    Files.delete(source.resolve("model-2.safetensors"));
    assertThatThrownBy(() -> openAt(uri))
        .hasMessage(
            "--model %s has no model-2.safetensors, which its model.safetensors.index.json names; complete the folder.",
            uri);
    write("model.safetensors.index.json", "{\"weight_map\": {\"x\": \"../../etc/passwd\"}}");
    assertThatThrownBy(() -> openAt(uri))
        .hasMessage(
            "model.safetensors.index.json of --model %s cannot be read: '../../etc/passwd' is no safetensors file.",
            uri);
    write("model.safetensors.index.json", "{\"weight_map\":");
    assertThatThrownBy(() -> openAt(uri))
        .hasMessageStartingWith(
            "model.safetensors.index.json of --model %s cannot be read: Unexpected end-of-input",
            uri);
    Files.delete(source.resolve("model.safetensors.index.json"));
    assertThatThrownBy(() -> openAt(uri))
        .hasMessage(
            "--model %s has no *.safetensors file; give the folder of a Hugging Face checkpoint.",
            uri);
    Files.delete(source.resolve("tokenizer.json"));
    assertThatThrownBy(() -> openAt(uri))
        .hasMessage(
            "--model %s has no tokenizer.json; give the folder of a Hugging Face checkpoint.", uri);
    hadoop.set("tiny.forbidden", "qwen");
    assertThatThrownBy(() -> openAt(uri))
        .hasMessage(
            "--model %s may not be read by %s; ask for permission or check the credentials.",
            uri, System.getProperty("user.name"));
  }

  @Test
  void aCacheThatCannotBeUsedIsNamed() throws IOException {
    Files.writeString(folder.resolve("cache"), "a file is in the way");
    assertThatThrownBy(this::fetch)
        .hasMessageStartingWith("The model cache " + folder.resolve("cache") + " cannot be used: ")
        .hasMessageEndingWith("; name another folder with --model-cache.");
    assertThat(ModelErrors.diskFull("s3a://b/m", 15_200_000_000L, Path.of("/c"), 3_100_000_000L))
        .hasMessage(
            "--model s3a://b/m needs 15.2 GB, but the model cache /c has 3.1 GB left; free some or name another folder with --model-cache.");
  }

  @Test
  void aFullDiskIsSaidToBeFull() {
    // Linux has a device that is always full; other systems have no such place to try.
    org.junit.jupiter.api.Assumptions.assumeTrue(
        Files.isWritable(Path.of("/dev/full")), "this system has no /dev/full");
    IOException full =
        org.junit.jupiter.api.Assertions.assertThrows(
            IOException.class, () -> Files.writeString(Path.of("/dev/full"), "x"));
    assertThat(DiskSpace.isExhausted(folder.resolve("x"), full)).isTrue();
    assertThat(DiskSpace.isExhausted(folder.resolve("x"), new IOException("other"))).isFalse();
  }

  @Test
  void referencesTravelAsText() {
    ModelReference reference = new ModelReference("s3a://b/m#1", "0123456789abcdef");
    assertThat(ModelReference.parse(reference.toString())).contains(reference);
    assertThat(ModelReference.parse("/models/a#0123456789abcdef")).isEmpty();
    assertThat(ModelReference.isRemote("dbfs:/models/a")).isTrue();
    assertThat(ModelReference.isRemote("file:/models/a")).isFalse();
    assertThat(ModelReference.isRemote("models/a")).isFalse();
  }

  private Path fetch() {
    try (RemoteModel model = open()) {
      return cache.fetch(model);
    }
  }

  private RemoteModel open() {
    return RemoteModel.open(TinyFileSystem.uri(source), Weights.CHECKPOINT, hadoop);
  }

  private void openAt(String uri) {
    RemoteModel.open(uri, Weights.CHECKPOINT, hadoop).close();
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(source.resolve(name), content);
  }

  private long opened(String name) throws IOException {
    if (!Files.exists(log)) {
      return 0;
    }
    try (Stream<String> lines = Files.lines(log)) {
      return lines.filter(name::equals).count();
    }
  }

  private List<Path> leftOvers() throws IOException {
    if (!Files.isDirectory(cache.folder())) {
      return List.of();
    }
    try (Stream<Path> list = Files.list(cache.folder())) {
      return list.filter(path -> path.toString().endsWith(".part")).toList();
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.map(path -> path.getFileName().toString()).toList();
    }
  }
}
