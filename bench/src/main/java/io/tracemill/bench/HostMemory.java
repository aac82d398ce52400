package io.tracemill.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Samples how much memory this process holds, by kind, as Linux counts it; closing ends that. */
final class HostMemory implements AutoCloseable {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final List<String> KINDS = List.of("RssAnon", "RssFile", "RssShmem", "VmPin");
  private static final long PAUSE_MILLIS = 20;

  private final Map<String, Long> mostBytes = new TreeMap<>();
  private final Thread sampler = new Thread(this::sampleUntilInterrupted, "host-memory");

  private HostMemory() {}

  /** Starts sampling. */
  static HostMemory watch() {
    HostMemory memory = new HostMemory();
    memory.sampler.setDaemon(true);
    memory.sampler.start();
    return memory;
  }

  private void sampleUntilInterrupted() {
    try {
      while (true) {
        sample();
        Thread.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void sample() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        String[] parts = line.split("[:\\s]+");
        if (KINDS.contains(parts[0])) {
          mostBytes.merge(parts[0], Long.parseLong(parts[1]) * 1024, Math::max);
        }
      }
    } catch (IOException e) {
      mostBytes.clear();
    }
  }

  /** The most of each kind so far, for people; empty where there is no such count. */
  synchronized String most() {
    StringBuilder text = new StringBuilder();
    mostBytes.forEach(
        (kind, bytes) ->
            text.append(text.isEmpty() ? "" : ", ")
                .append("%s %.2f GB".formatted(kind, bytes / 1e9)));
    return text.toString();
  }

  @Override
  public void close() {
    sampler.interrupt();
  }
}
