package io.tracemill.udf;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.udf.host.HostFolders;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Executors in processes of their own on one host with two pretended cards, found by the script
 * that ships: every executor runs its engine on a card of its own.
 */
@Tag("cluster")
@Timeout(240)
class TestGpuCluster {
  private static final Path SCRIPT = Path.of("../bin/gpu-discovery").toAbsolutePath().normalize();

  private final String first = "GPU-" + UUID.randomUUID();
  private final String second = "GPU-" + UUID.randomUUID();
  private final String listing =
      "GPU 0: Pretended (UUID: %s)\nGPU 1: Pretended (UUID: %s)\n".formatted(first, second);

  @TempDir private Path folder;

  @Test
  void twoExecutorsOfOneWorkerGetACardEach() throws Exception {
    try (ClusterJvms cluster = new ClusterJvms(folder, listing)) {
      List<String> lines =
          cluster.submit(
              "local-cluster[1,4,1536]",
              "spark.worker.resource.gpu.amount=2",
              "spark.worker.resource.gpu.discoveryScript=" + SCRIPT,
              "spark.executor.cores=2",
              "spark.executor.resource.gpu.amount=1",
              "spark.task.resource.gpu.amount=0.5");
      Map<String, String> engines = engines(lines);
      // Both see the whole host: the ordinals differ as the cards do.
      assertThat(engines.values()).containsExactlyInAnyOrder("0 " + first, "1 " + second);
    }
  }

  @Test
  void twoWorkersOfAStandaloneClusterOfferACardEach() throws Exception {
    try (ClusterJvms cluster = new ClusterJvms(folder, listing)) {
      String master = startMasterAndWorkers(cluster, 2);
      List<String> lines =
          cluster.submit(
              master,
              "spark.executor.cores=2",
              "spark.executor.resource.gpu.amount=1",
              "spark.task.resource.gpu.amount=0.5");
      Map<String, String> engines = engines(lines);
      // Each executor inherits the one card that its worker sees: number 0 to CUDA in both.
      assertThat(engines.values()).containsExactlyInAnyOrder("0 " + first, "0 " + second);
    }
  }

  /**
   * Rows of which some take sixty times as long as others: slots stay in use until there is nothing
   * more to hand out. What is measured is time, not steps.
   */
  @Test
  void slotsOfTwoExecutorsStayInUseUntilTheTail() throws Exception {
    int rows = 3_000;
    try (ClusterJvms cluster = new ClusterJvms(folder, listing)) {
      String master = startMasterAndWorkers(cluster, 4);
      List<String> lines =
          cluster.submit(
              FeedingTasks.class,
              List.of("2", "" + rows, "48", "", "0"),
              master,
              "spark.executor.cores=4",
              "spark.executor.resource.gpu.amount=1",
              "spark.task.resource.gpu.amount=0.25");
      List<String> keys =
          lines.stream().filter(line -> line.startsWith("row ")).map(l -> l.split(" ")[1]).toList();
      assertThat(keys).hasSize(rows).doesNotHaveDuplicates();
      Map<String, List<double[]>> loads = new TreeMap<>();
      for (String line : lines) {
        String[] words = line.split(" ");
        if (words[0].equals("load")) {
          double[] load = {Double.parseDouble(words[2]), Double.parseDouble(words[3])};
          loads.computeIfAbsent(words[1], executor -> new ArrayList<>()).add(load);
        }
      }
      assertThat(loads).hasSize(2);
      loads.forEach(
          (executor, samples) -> {
            samples.sort(Comparator.comparingDouble(load -> load[1]));
            double[] first = samples.get(0);
            double[] last = samples.get(samples.size() - 1);
            double occupancy = (last[0] - first[0]) / (last[1] - first[1]);
            System.out.printf(
                "TestGpuCluster: executor %s used %.1f %% of its slots over %.1f s, until its last"
                    + " of %d tasks began%n",
                executor,
                100 * occupancy,
                (last[1] - first[1]) / FeedingTasks.SLOTS,
                samples.size());
            assertThat(occupancy).as("executor %s", executor).isBetween(0.9, 1.0);
          });
    }
  }

  private String startMasterAndWorkers(ClusterJvms cluster, int coresPerWorker) throws Exception {
    int port = ClusterJvms.freePort();
    String master = "spark://127.0.0.1:" + port;
    cluster.start(
        "master",
        Map.of(),
        "org.apache.spark.deploy.master.Master",
        "--host",
        "127.0.0.1",
        "--port",
        Integer.toString(port),
        "--webui-port",
        "0");
    Path properties = folder.resolve("worker.conf");
    Files.writeString(
        properties,
        "spark.worker.resource.gpu.amount 1\nspark.worker.resource.gpu.discoveryScript %s\n"
            .formatted(SCRIPT));
    for (int card = 0; card < 2; card++) {
      cluster.start(
          "worker-" + card,
          Map.of("CUDA_VISIBLE_DEVICES", Integer.toString(card)),
          "org.apache.spark.deploy.worker.Worker",
          "--host",
          "127.0.0.1",
          "--webui-port",
          "0",
          "--cores",
          Integer.toString(coresPerWorker),
          "--memory",
          "1g",
          "--work-dir",
          folder.resolve("work-" + card).toString(),
          "--properties-file",
          properties.toString(),
          master);
    }
    return master;
  }

  /** Cards are pretended, but their locks lie where real ones do. */
  @AfterEach
  void removeLocks() throws Exception {
    for (String card : List.of(first, second)) {
      Files.deleteIfExists(HostFolders.deviceLocks().resolve(card + ".lock"));
    }
  }

  /** Executor to engine; every task of an executor must have met the same one. */
  private static Map<String, String> engines(List<String> lines) {
    assertThat(lines).hasSize(16);
    Map<String, String> engines = new TreeMap<>();
    for (String line : lines) {
      String executor = line.substring(0, line.indexOf(' '));
      String engine = line.substring(line.indexOf(' ') + 1);
      assertThat(engines.merge(executor, engine, (known, now) -> known)).isEqualTo(engine);
    }
    assertThat(engines).hasSize(2);
    return engines;
  }
}
