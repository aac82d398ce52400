package io.tracemill.job;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What twenty kills leave of a run that writes Parquet, see {@link KilledRun}. */
@Tag("cluster")
@Timeout(value = 60, unit = TimeUnit.MINUTES)
class TestFaultsParquet {
  @TempDir private Path folder;

  @Test
  void twentyKillsLeaveEveryRowOnceAndTheTextOfAnUndisturbedRun() throws Exception {
    new KilledRun(folder, "parquet")
        .assertTwentyKillsLeaveEveryRowOnceAndTheTextOfAnUndisturbedRun();
  }
}
