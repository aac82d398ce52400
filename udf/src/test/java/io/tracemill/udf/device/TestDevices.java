package io.tracemill.udf.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.host.HostLock;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One engine a card, whoever asks. */
class TestDevices {
  private static final DeviceWish ANY = new DeviceWish(List.of(), OptionalInt.empty());

  @TempDir private Path folder;

  @Test
  void enginesWithoutLabelsGetDifferentCardsAndTheOneTooManyIsRefused() {
    DeviceClaim first = devices(Map.of()).claim(ANY, "process 1").orElseThrow();
    DeviceClaim second = devices(Map.of()).claim(ANY, "process 2").orElseThrow();
    DeviceClaim third = devices(Map.of()).claim(ANY, "process 3").orElseThrow();
    assertThat(List.of(first, second, third))
        .extracting(claim -> claim.gpu().ordinal())
        .containsExactly(0, 1, 2);
    assertThatThrownBy(() -> devices(Map.of()).claim(ANY, "process 4"))
        .isInstanceOf(ReasoningException.class)
        .hasMessage(
            "All 3 GPUs of this host already run an engine: 0 (%s) of process 1; 1 (%s) of process 2;"
                + " 2 (%s) of process 3; start fewer executors here or wait for the other runs.",
            TestDeviceWish.A, TestDeviceWish.B, TestDeviceWish.C);
    second.close();
    assertThat(devices(Map.of()).claim(ANY, "process 5").orElseThrow().gpu().ordinal())
        .isEqualTo(1);
    first.close();
    third.close();
  }

  @Test
  void anAssignedCardThatIsTakenIsNotReplacedByAnother() {
    DeviceWish zero = new DeviceWish(List.of("0"), OptionalInt.empty());
    try (DeviceClaim held = devices(Map.of()).claim(zero, "process 17").orElseThrow()) {
      assertThat(held.gpu().uuid()).contains(TestDeviceWish.A);
      assertThatThrownBy(() -> devices(Map.of()).claim(zero, "process 18"))
          .hasMessage(
              "GPU 0 (%s) of this host already runs an engine, of process 17; give every executor a"
                  + " GPU of its own (workers of one host must not offer the same card) or wait for"
                  + " the other run.",
              TestDeviceWish.A);
    }
    devices(Map.of()).claim(zero, "process 19").orElseThrow().close();
  }

  @Test
  void theSameCardUnderTwoNumbersIsOneCard() {
    DeviceClaim held =
        devices(Map.of("CUDA_VISIBLE_DEVICES", "2")).claim(ANY, "process 1").orElseThrow();
    assertThat(held.gpu().ordinal()).isZero();
    DeviceWish two = new DeviceWish(List.of("2"), OptionalInt.empty());
    assertThatThrownBy(() -> devices(Map.of()).claim(two, "process 2"))
        .hasMessageContaining("already runs an engine, of process 1");
    held.close();
  }

  @Test
  void aProcessThatEndsGivesItsCardBack() throws Exception {
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                HoldsLock.class.getName(),
                folder.toString())
            .redirectError(folder.resolve("stderr").toFile())
            .start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(said.readLine()).isEqualTo("held " + TestDeviceWish.A + ".lock");
      DeviceWish zero = new DeviceWish(List.of("0"), OptionalInt.empty());
      assertThatThrownBy(() -> devices(Map.of()).claim(zero, "me"))
          .hasMessageContaining("of the other process " + holder.pid());
      holder.destroyForcibly().waitFor();
      devices(Map.of()).claim(zero, "me").orElseThrow().close();
    }
  }

  /** Holds card 0 until it is killed. */
  static final class HoldsLock {
    public static void main(String[] args) throws Exception {
      Path file = Path.of(args[0], TestDeviceWish.A + ".lock");
      String owner = "the other process " + ProcessHandle.current().pid();
      try (HostLock lock = HostLock.tryAcquire(file, owner).orElseThrow()) {
        System.out.println("held " + lock.file().getFileName());
        Thread.sleep(60_000);
      }
    }
  }

  @Test
  void aCardThatCudaCountsOtherwiseIsNoticed() {
    try (DeviceClaim claim = devices(Map.of()).claim(ANY, "me").orElseThrow()) {
      claim.confirm(Optional.of(TestDeviceWish.A.toUpperCase(java.util.Locale.ROOT)));
      assertThatThrownBy(() -> claim.confirm(Optional.of(TestDeviceWish.B)))
          .hasMessage(
              "CUDA opened %s where GPU 0 (%s) was meant; start executors with"
                  + " CUDA_DEVICE_ORDER=PCI_BUS_ID (--conf"
                  + " spark.executorEnv.CUDA_DEVICE_ORDER=PCI_BUS_ID), so that CUDA counts cards as"
                  + " nvidia-smi does.",
              TestDeviceWish.B, TestDeviceWish.A);
    }
  }

  @Test
  void anUnknownCardIsLockedOnceTheEngineNamesIt() {
    Devices blind = new Devices(List::of, Map.of(), folder, Duration.ZERO);
    DeviceWish zero = new DeviceWish(List.of("0"), OptionalInt.empty());
    DeviceClaim first = blind.claim(zero, "process 1").orElseThrow();
    first.confirm(Optional.of(TestDeviceWish.A));
    DeviceClaim second = blind.claim(zero, "process 2").orElseThrow();
    assertThatThrownBy(() -> second.confirm(Optional.of(TestDeviceWish.A)))
        .hasMessageContaining("GPU 0 of this host already runs an engine, of process 1");
    first.close();
    second.confirm(Optional.of(TestDeviceWish.A));
    second.close();
  }

  @Test
  void anEngineOnTheCpuGivesTheCardBack() {
    DeviceClaim claim = devices(Map.of()).claim(ANY, "me").orElseThrow();
    claim.confirm(Optional.empty());
    DeviceClaim next = devices(Map.of()).claim(ANY, "me").orElseThrow();
    assertThat(next.gpu()).isEqualTo(claim.gpu());
    next.close();
  }

  @Test
  void nothingIsClaimedWhereNoCardIsKnown() {
    Devices none = new Devices(List::of, Map.of(), folder, Duration.ZERO);
    assertThat(none.claim(ANY, "me")).isEmpty();
  }

  @Test
  void aLockFolderThatCannotBeUsedIsNamed() throws Exception {
    Path file = Files.writeString(folder.resolve("locks"), "in the way");
    assertThatThrownBy(
            () ->
                new Devices(() -> TestDeviceWish.HOST, Map.of(), file, Duration.ZERO)
                    .claim(ANY, "me"))
        .hasMessageStartingWith("The folder of GPU locks " + file + " cannot be used: ")
        .hasMessageEndingWith(
            "; remove it or correct its permissions, or accept shared cards with --device-sharing"
                + " allow.");
  }

  private Devices devices(Map<String, String> environment) {
    return new Devices(() -> TestDeviceWish.HOST, environment, folder, Duration.ofMillis(150));
  }
}
