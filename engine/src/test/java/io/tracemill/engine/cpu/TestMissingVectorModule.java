package io.tracemill.engine.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.api.SamplingParams;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A JVM of its own that is started without the module of the Vector API. */
final class TestMissingVectorModule {
  @Test
  void theBackendRunsScalarCodeAndWarnsOnce() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-cp", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output).contains("tokens [").contains("scalar code");
    assertThat(output.split("the module jdk.incubator.vector is missing", -1)).hasSize(2);
    int[] golden = GoldenFixture.all().get(0).full().ids();
    assertThat(output).contains("tokens [%d, %d, %d]".formatted(golden[0], golden[1], golden[2]));
  }

  /** Generates three tokens with the demo model, twice. */
  static final class Main {
    private Main() {}

    public static void main(String[] arguments) {
      int[] prompt = GoldenFixture.all().get(0).promptIds();
      for (int round = 0; round < 2; round++) {
        try (CpuBackend backend = DemoModel.open(1, 0)) {
          LaneDriver driver = new LaneDriver(backend);
          driver.start(0, prompt, SamplingParams.greedy(3), 0, 0);
          List<Integer> tokens = new ArrayList<>(List.of(driver.prefill(0, prompt, 64)));
          for (int k = 1; k < 3; k++) {
            driver.reserve(0, prompt.length + k);
            tokens.add(driver.decode(0));
          }
          System.out.println(backend.info().device() + " tokens " + tokens);
        }
      }
    }
  }
}
