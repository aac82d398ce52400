package io.tracemill.udf.device;

import java.util.List;
import java.util.OptionalInt;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/**
 * Which card an engine shall have.
 *
 * @param labels addresses that Spark assigned to the task; empty where it schedules no GPUs
 * @param ordinal CUDA's number that the user chose; empty for any
 */
public record DeviceWish(List<String> labels, OptionalInt ordinal) {
  private static final String RESOURCE = "gpu";

  public DeviceWish {
    labels = List.copyOf(labels);
  }

  /**
   * The addresses of the resource {@code gpu} that a task was given; empty where there are none.
   */
  public static List<String> labelsOf(TaskContext task) {
    ResourceInformation gpu = task.resourcesJMap().get(RESOURCE);
    return gpu == null ? List.of() : List.of(gpu.addresses());
  }

  /**
   * The cards that would do, best first.
   *
   * @param visible what this process sees
   * @throws io.tracemill.engine.error.ReasoningException where the wish cannot be met
   */
  List<VisibleGpu> candidates(List<VisibleGpu> visible) {
    if (labels.size() > 1) {
      throw DeviceErrors.severalLabels(labels);
    }
    if (labels.size() == 1) {
      return List.of(assigned(labels.get(0), visible));
    }
    if (ordinal.isPresent()) {
      return List.of(chosen(ordinal.getAsInt(), visible));
    }
    return visible;
  }

  private VisibleGpu assigned(String label, List<VisibleGpu> visible) {
    if (ordinal.isPresent()) {
      throw DeviceErrors.assignedAndChosen(label, ordinal.getAsInt());
    }
    for (VisibleGpu gpu : visible) {
      if (gpu.isNamed(label)) {
        return gpu;
      }
    }
    if (visible.size() == 1) {
      // A container shows the card that the cluster manager chose, under a number of its own.
      return visible.get(0);
    }
    if (visible.isEmpty() && label.matches("\\d{1,4}")) {
      // Nobody here can list cards; CUDA will tell whether there is one of that number.
      return new VisibleGpu(Integer.parseInt(label), label, java.util.Optional.empty());
    }
    throw DeviceErrors.notVisible(label, visible);
  }

  private static VisibleGpu chosen(int ordinal, List<VisibleGpu> visible) {
    if (ordinal < visible.size()) {
      return visible.get(ordinal);
    }
    if (visible.isEmpty()) {
      return new VisibleGpu(ordinal, Integer.toString(ordinal), java.util.Optional.empty());
    }
    throw DeviceErrors.noSuchOrdinal(ordinal, visible);
  }
}
