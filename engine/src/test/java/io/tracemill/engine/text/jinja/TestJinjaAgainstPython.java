package io.tracemill.engine.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Asks Python's jinja2 itself, where it is installed: are the records still right, and what of
 * random templates.
 */
class TestJinjaAgainstPython {
  private static final Path BASE = Path.of(System.getProperty("basedir", "."));
  private static final Path SCRIPTS = BASE.resolve("src/test/python");
  private static final String PYTHON = "/usr/bin/python3";

  @BeforeAll
  static void findJinja() throws Exception {
    boolean present;
    try {
      present =
          run(PYTHON, "-c", "import jinja2; assert jinja2.__version__.startswith('3.1.')").status()
              == 0;
    } catch (IOException e) {
      present = false;
    }
    Assumptions.assumeTrue(
        present, "no jinja2 3.1 for " + PYTHON + ": install Debian's python3-jinja2");
  }

  @Test
  void theRecordsAreWhatJinjaGives() throws Exception {
    Path records =
        BASE.resolve("src/test/resources/io/tracemill/engine/text/jinja/text-jinja-records.json");
    Outcome outcome =
        run(PYTHON, SCRIPTS.resolve("record_jinja.py").toString(), records.toString(), "--check");
    assertThat(outcome.status()).as(outcome.output()).isZero();
  }

  @Test
  void randomTemplatesRenderAsJinjaDoes(@TempDir Path folder) throws Exception {
    long seed = Long.getLong("tests.seed", 20250307L);
    int count = Integer.getInteger("tests.iters", 400);
    Path records = folder.resolve("random.json");
    Outcome outcome =
        run(
            PYTHON,
            SCRIPTS.resolve("random_jinja.py").toString(),
            records.toString(),
            "" + seed,
            "" + count);
    assertThat(outcome.status()).as(outcome.output()).isZero();
    List<String> failures = new ArrayList<>();
    int rendered = 0;
    for (JsonNode record : new ObjectMapper().readTree(records.toFile())) {
      rendered += record.has("output") ? 1 : 0;
      try {
        TestJinjaRecords.replay(record);
      } catch (JinjaException | AssertionError e) {
        failures.add(record.get("template").toString() + " -> " + e.getMessage().strip());
      }
    }
    assertThat(rendered).as("templates without errors").isGreaterThan(count / 10);
    failures.sort(Comparator.comparingInt(String::length));
    assertThat(failures).as("-Dtests.seed=%d", seed).isEmpty();
  }

  private record Outcome(int status, String output) {}

  private static Outcome run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }
}
