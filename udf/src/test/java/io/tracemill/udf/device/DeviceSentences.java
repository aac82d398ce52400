package io.tracemill.udf.device;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Every sentence with which a card is refused to an engine, for docs/errors.md. */
public final class DeviceSentences {
  private static final VisibleGpu FIRST = new VisibleGpu(0, "0", Optional.of("GPU-aaaa"));
  private static final VisibleGpu SECOND = new VisibleGpu(1, "1", Optional.of("GPU-bbbb"));
  private static final String OWNER = "process 17, executor 1 of app-1";

  private DeviceSentences() {}

  /** Sentences by what happened. */
  public static Map<String, String> all() {
    Map<String, String> said = new LinkedHashMap<>();
    said.put("a card that has an engine", DeviceErrors.taken(FIRST, OWNER).getMessage());
    said.put(
        "no card without an engine",
        DeviceErrors.allTaken(List.of(FIRST + " of process 17", SECOND + " of process 18"))
            .getMessage());
    said.put(
        "an assigned card that the process does not see",
        DeviceErrors.notVisible("7", List.of(FIRST, SECOND)).getMessage());
    said.put(
        "several cards for a task", DeviceErrors.severalLabels(List.of("0", "1")).getMessage());
    said.put(
        "a card assigned and another chosen", DeviceErrors.assignedAndChosen("0", 1).getMessage());
    said.put(
        "`--device 3` with two cards",
        DeviceErrors.noSuchOrdinal(3, List.of(FIRST, SECOND)).getMessage());
    said.put(
        "a card that CUDA counts otherwise",
        DeviceErrors.otherDevice("GPU-bbbb", FIRST).getMessage());
    said.put(
        "a lock folder that cannot be used",
        DeviceErrors.unusableLocks(
                Path.of("/tmp/tracemill-gpu-locks"), new IOException("Permission denied"))
            .getMessage());
    said.put("an executor that is stopped while it waits", DeviceErrors.interrupted().getMessage());
    return said;
  }
}
