package io.tracemill.udf.device;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.udf.host.FileFaults;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Every sentence with which a card is refused to an engine. */
final class DeviceErrors {
  private DeviceErrors() {}

  static ReasoningException severalLabels(List<String> labels) {
    return refused(
        "Spark assigned %d GPUs (%s) to a task, but an executor runs one engine on one GPU; set spark.executor.resource.gpu.amount=1 and spark.task.resource.gpu.amount to 1 divided by spark.executor.cores, and start an executor for each GPU."
            .formatted(labels.size(), String.join(", ", labels)));
  }

  static ReasoningException assignedAndChosen(String label, int ordinal) {
    return refused(
        "Spark assigned GPU %s, but --device %d was given; leave one of the two out."
            .formatted(label, ordinal));
  }

  static ReasoningException notVisible(String label, List<VisibleGpu> visible) {
    return refused(
        "Spark assigned GPU %s, which this process does not see (it sees %s); let the discovery script print what executors see, as bin/gpu-discovery does, or correct CUDA_VISIBLE_DEVICES."
            .formatted(label, list(visible)));
  }

  static ReasoningException noSuchOrdinal(int ordinal, List<VisibleGpu> visible) {
    return refused(
        "--device is %d, but this process sees %d GPU%s (%s); numbers begin at 0."
            .formatted(ordinal, visible.size(), visible.size() == 1 ? "" : "s", list(visible)));
  }

  static ReasoningException taken(VisibleGpu gpu, String owner) {
    return refused(
        "GPU %s of this host already runs an engine, of %s; give every executor a GPU of its own (workers of one host must not offer the same card) or wait for the other run."
            .formatted(gpu, owner));
  }

  static ReasoningException allTaken(List<String> gpusWithOwners) {
    return refused(
        "All %d GPUs of this host already run an engine: %s; start fewer executors here or wait for the other runs."
            .formatted(gpusWithOwners.size(), String.join("; ", gpusWithOwners)));
  }

  static ReasoningException otherDevice(String opened, VisibleGpu wanted) {
    return refused(
        "CUDA opened %s where GPU %s was meant; start executors with CUDA_DEVICE_ORDER=PCI_BUS_ID (--conf spark.executorEnv.CUDA_DEVICE_ORDER=PCI_BUS_ID), so that CUDA counts cards as nvidia-smi does."
            .formatted(opened, wanted));
  }

  static ReasoningException unusableLocks(Path folder, IOException cause) {
    return new ReasoningException(
        ErrorCode.BACKEND_UNAVAILABLE,
        "The folder of GPU locks %s cannot be used: %s; remove it or correct its permissions, or accept shared cards with --device-sharing allow."
            .formatted(folder, FileFaults.reason(cause)),
        cause);
  }

  static ReasoningException interrupted() {
    return refused("The executor was stopped while it waited for its GPU.");
  }

  private static String list(List<VisibleGpu> visible) {
    return visible.isEmpty()
        ? "none"
        : visible.stream().map(VisibleGpu::toString).collect(Collectors.joining(", "));
  }

  private static ReasoningException refused(String message) {
    return new ReasoningException(ErrorCode.BACKEND_UNAVAILABLE, message);
  }
}
