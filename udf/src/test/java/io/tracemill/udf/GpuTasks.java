package io.tracemill.udf;

import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.udf.device.HostGpu;
import io.tracemill.udf.device.NvidiaSmi;
import io.tracemill.udf.device.VisibleGpu;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * A Spark application whose tasks lease the engine of their executor and tell what it runs on:
 * lines of executor, engine's CUDA ordinal and card, in the file that the first argument names.
 */
public final class GpuTasks {
  private static final int TASKS = 16;
  private static final int TASK_MILLIS = 700;

  private GpuTasks() {}

  /** The application; Spark's submit wants it public. */
  public static void main(String[] args) throws Exception {
    try (JavaSparkContext spark = new JavaSparkContext(new SparkConf().setAppName("gpu tasks"))) {
      // Executors register one by one; tasks that begin before would all go to the first.
      while (spark.sc().getExecutorMemoryStatus().size() < 3) {
        Thread.sleep(100);
      }
      EngineOpener opener = new HostedEngines(new FakeGpuOpener(), HostSettings.usual());
      List<String> lines =
          spark
              .parallelize(IntStream.range(0, TASKS).boxed().toList(), TASKS)
              .map(task -> describe(opener))
              .collect();
      Files.write(Path.of(args[0]), lines);
    }
  }

  private static String describe(EngineOpener opener) throws InterruptedException {
    try (EngineHolder.Lease lease =
        EngineHolder.lease(FakeSettings.engine(4), opener.inTask(TaskContext.get()), () -> false)) {
      Thread.sleep(TASK_MILLIS);
      return "%s %s %s"
          .formatted(
              SparkEnv.get().executorId(),
              lease.description(),
              lease.deviceUuid().orElse("no device"));
    }
  }

  /** Opens a fake engine on the card that CUDA would open under the ordinal. */
  static final class FakeGpuOpener implements EngineOpener {
    private static final long serialVersionUID = 1L;

    @Override
    public SharedEngine open(EngineSettings settings) {
      List<HostGpu> host = new NvidiaSmi(System.getenv("PATH")).get();
      VisibleGpu gpu =
          VisibleGpu.of(host, Optional.ofNullable(System.getenv("CUDA_VISIBLE_DEVICES")))
              .get(settings.deviceOrdinal());
      return new OnGpu(FakeEngine.fast().open(settings), gpu);
    }
  }

  private record OnGpu(SharedEngine engine, VisibleGpu gpu) implements SharedEngine {
    @Override
    public Feeder feeder() {
      return engine.feeder();
    }

    @Override
    public EngineSnapshot snapshot() {
      return engine.snapshot();
    }

    @Override
    public String description() {
      return Integer.toString(gpu.ordinal());
    }

    @Override
    public String backend() {
      return engine.backend();
    }

    @Override
    public Optional<String> deviceUuid() {
      return gpu.uuid();
    }

    @Override
    public void close() {
      engine.close();
    }
  }
}
