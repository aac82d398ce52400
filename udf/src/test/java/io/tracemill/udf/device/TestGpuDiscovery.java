package io.tracemill.udf.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bin/gpu-discovery} and the reader of cards against a tool that prints what we say. */
class TestGpuDiscovery {
  private static final Path SCRIPT = Path.of("../bin/gpu-discovery").toAbsolutePath().normalize();
  private static final String TWO =
      "GPU 0: NVIDIA H100 (UUID: %s)\nGPU 1: NVIDIA H100 (UUID: %s)\n"
          .formatted(TestDeviceWish.A, TestDeviceWish.B);

  @TempDir private Path folder;

  private record Said(int exitCode, String output, String errors) {}

  @Test
  void allCardsArePrintedAsSparkWantsThem() throws Exception {
    Said said = discover(TWO, Map.of());
    assertThat(said.exitCode()).as(said.errors()).isZero();
    assertThat(said.output()).isEqualTo(json(TestDeviceWish.A, TestDeviceWish.B));
    // Spark's own reader.
    var parsed = org.apache.spark.resource.ResourceInformation.parseJson(said.output());
    assertThat(parsed.name()).isEqualTo("gpu");
    assertThat(parsed.addresses()).containsExactly(TestDeviceWish.A, TestDeviceWish.B);
  }

  @Test
  void theVariablesOfCudaAndOfContainersAreHonoured() throws Exception {
    assertThat(discover(TWO, Map.of("CUDA_VISIBLE_DEVICES", "1")).output())
        .isEqualTo(json(TestDeviceWish.B));
    assertThat(discover(TWO, Map.of("CUDA_VISIBLE_DEVICES", "GPU-bbbb,0")).output())
        .isEqualTo(json(TestDeviceWish.B, TestDeviceWish.A));
    assertThat(discover(TWO, Map.of("CUDA_VISIBLE_DEVICES", "0,-1,1")).output())
        .isEqualTo(json(TestDeviceWish.A));
    assertThat(discover(TWO, Map.of("NVIDIA_VISIBLE_DEVICES", "1")).output())
        .isEqualTo(json(TestDeviceWish.B));
    // A container that was given cards 4 and 5 shows them as 0 and 1.
    assertThat(discover(TWO, Map.of("NVIDIA_VISIBLE_DEVICES", "4,5")).output())
        .isEqualTo(json(TestDeviceWish.A, TestDeviceWish.B));
  }

  @Test
  void theInstancesOfACutCardTakeItsPlace() throws Exception {
    String cut =
        "GPU 0: NVIDIA A100 (UUID: %s)\n  MIG 1g.5gb      Device  0: (UUID: MIG-11)\n  MIG 1g.5gb      Device  1: (UUID: MIG-12)\nGPU 1: NVIDIA A100 (UUID: %s)\n"
            .formatted(TestDeviceWish.A, TestDeviceWish.B);
    assertThat(discover(cut, Map.of()).output())
        .isEqualTo(json("MIG-11", "MIG-12", TestDeviceWish.B));
  }

  @Test
  void whereThereIsNoGpuTheReasonGoesToTheErrors() throws Exception {
    assertThat(discover(TWO, Map.of("CUDA_VISIBLE_DEVICES", "")))
        .isEqualTo(
            new Said(
                1,
                "",
                "gpu-discovery: CUDA_VISIBLE_DEVICES is '', which names none of the 2 GPUs here."));
    assertThat(discover(TWO, Map.of("NVIDIA_VISIBLE_DEVICES", "void")).errors())
        .isEqualTo("gpu-discovery: NVIDIA_VISIBLE_DEVICES is 'void', which hides all GPUs.");
    assertThat(discover("No devices were found\n", Map.of()).errors())
        .isEqualTo("gpu-discovery: nvidia-smi lists no GPU.");
    Files.delete(folder.resolve("nvidia-smi"));
    assertThat(run(Map.of()).errors())
        .isEqualTo(
            "gpu-discovery: nvidia-smi is not on the PATH; install the NVIDIA driver or take the gpu"
                + " keys out of Spark's configuration.");
  }

  @Test
  void theEngineReadsTheSameListing() throws Exception {
    tool("cat <<'LIST'\n" + TWO + "LIST\n");
    assertThat(new NvidiaSmi("/nowhere:" + folder).get())
        .extracting(HostGpu::uuid)
        .containsExactly(TestDeviceWish.A, TestDeviceWish.B);
    tool("echo 'the driver is broken' >&2; exit 9\n");
    assertThat(new NvidiaSmi(folder.toString()).get()).isEmpty();
    assertThat(new NvidiaSmi("/nowhere").get()).isEmpty();
  }

  private Said discover(String listing, Map<String, String> variables) throws Exception {
    tool("cat <<'LIST'\n" + listing + "LIST\n");
    return run(variables);
  }

  private Said run(Map<String, String> variables) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("/bin/bash", SCRIPT.toString());
    builder
        .environment()
        .keySet()
        .removeAll(List.of("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"));
    builder.environment().put("PATH", folder + ":/usr/bin:/bin");
    builder.environment().putAll(variables);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    String errors = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Said(process.waitFor(), output.strip(), errors.strip());
  }

  private void tool(String body) throws Exception {
    Path tool = Files.writeString(folder.resolve("nvidia-smi"), "#!/bin/bash\n" + body);
    Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static String json(String... addresses) {
    return "{\"name\": \"gpu\", \"addresses\": [\"" + String.join("\", \"", addresses) + "\"]}";
  }
}
