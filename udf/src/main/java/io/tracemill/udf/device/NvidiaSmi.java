package io.tracemill.udf.device;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the driver's own tool for the cards of this host. */
public final class NvidiaSmi implements Supplier<List<HostGpu>> {
  private static final Logger LOG = LoggerFactory.getLogger(NvidiaSmi.class);
  private static final String NAME = "nvidia-smi";
  private static final int TIMEOUT_SECONDS = 60;

  private final String path;

  /**
   * @param path folders to look for the tool in, as the variable PATH has them
   */
  public NvidiaSmi(String path) {
    this.path = path;
  }

  /** The cards; empty where the tool is missing or fails, which is logged. */
  @Override
  public List<HostGpu> get() {
    for (String folder : path.split(Pattern.quote(File.pathSeparator))) {
      Path tool = Path.of(folder, NAME);
      if (Files.isExecutable(tool)) {
        return list(tool);
      }
    }
    return List.of();
  }

  private static List<HostGpu> list(Path tool) {
    try {
      Process process = new ProcessBuilder(tool.toString(), "-L").redirectErrorStream(true).start();
      process.getOutputStream().close();
      // It prints a line a card, which fits the pipe: waiting first cannot block it.
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        LOG.warn("{} gave no answer within {} s; the driver may hang", tool, TIMEOUT_SECONDS);
        return List.of();
      }
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (process.exitValue() != 0) {
        LOG.warn("{} failed: {}", tool, said.strip());
        return List.of();
      }
      return HostGpu.parse(said);
    } catch (IOException e) {
      LOG.warn("{} cannot be run: {}", tool, e.getMessage());
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }
}
