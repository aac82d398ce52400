package io.tracemill.job.wave;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerStageSubmitted;
import org.apache.spark.scheduler.SparkListenerTaskStart;
import org.apache.spark.scheduler.StageInfo;

/** Sees when the generating tasks of a wave have all been launched. */
final class LaunchListener extends SparkListener {
  /** The local property of a wave's jobs. */
  static final String WAVE = "tracemill.wave";

  // Both under this object's lock; a stage leaves when its last task starts.
  private final Map<Integer, Launch> byWave = new HashMap<>();
  private final Map<Integer, Launch> byStage = new HashMap<>();

  /** The launching of one wave's tasks. */
  static final class Launch {
    private final CountDownLatch launched = new CountDownLatch(1);
    private final int tasks;
    private int started;

    private Launch(int tasks) {
      this.tasks = tasks;
    }

    /** The wave is over, one way or another. */
    void over() {
      launched.countDown();
    }

    /** Waits until every task runs or has run, or the wave is over. */
    void await() throws InterruptedException {
      launched.await();
    }
  }

  /** Begins to look for a wave whose generating stage has so many tasks. */
  synchronized Launch expect(int wave, int tasks) {
    Launch launch = new Launch(tasks);
    byWave.put(wave, launch);
    return launch;
  }

  @Override
  public synchronized void onStageSubmitted(SparkListenerStageSubmitted submitted) {
    Properties properties = submitted.properties();
    String wave = properties == null ? null : properties.getProperty(WAVE);
    StageInfo stage = submitted.stageInfo();
    // The writing stage is no shuffle's; other queries of a wave are about the table's log.
    if (wave != null && stage.shuffleDepId().isEmpty()) {
      Launch launch = byWave.get(Integer.parseInt(wave));
      if (launch != null && stage.numTasks() == launch.tasks) {
        byStage.put(stage.stageId(), launch);
      }
    }
  }

  @Override
  public synchronized void onTaskStart(SparkListenerTaskStart start) {
    Launch launch = byStage.get(start.stageId());
    if (launch != null && ++launch.started >= launch.tasks) {
      byStage.remove(start.stageId());
      launch.over();
    }
  }
}
