package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Optional;
import org.junit.jupiter.api.Test;

final class TestRpcSchedule {

  @Test
  void closedFormsEqualAStepSimulationOverManySettings() {
    int[] ratios = {2, 3, 4, 8};
    int[] retained = {1, 2, 3, 5, 16};
    int[] windows = {1, 2, 3, 7, 31};
    int checked = 0;
    for (int ratio : ratios) {
      for (int kept : retained) {
        int interval = ratio * kept;
        for (int window : windows) {
          if (window >= interval) {
            continue;
          }
          RpcSchedule schedule = new RpcSchedule(interval, window, kept);
          for (int prompt : new int[] {0, 1, 5, 64, 129}) {
            checkAgainstSimulation(schedule, prompt, 4 * interval + 2 * window + 3);
            checked++;
          }
        }
      }
    }
    assertThat(checked).isGreaterThan(200);
  }

  /**
   * Plays the cache step by step: append, attend, compress where the trigger of the paper holds.
   */
  private static void checkAgainstSimulation(RpcSchedule schedule, int prompt, int lastStep) {
    int interval = schedule.intervalTokens();
    int kept = schedule.retainedTokensPerInterval();
    int window = schedule.windowTokens();
    int rows = prompt;
    int peak = prompt;
    long attended = 0;
    int compressions = 0;
    assertThat(schedule.peakRows(prompt, 0)).isEqualTo(prompt);
    assertThat(schedule.attendedRowsTotal(prompt, 0)).isZero();
    for (int step = 1; step <= lastStep; step++) {
      rows++;
      assertThat(schedule.rowsAttended(prompt, step)).isEqualTo(rows);
      attended += rows;
      peak = step == 1 ? rows : Math.max(peak, rows);
      boolean due = rows == prompt + compressions * kept + interval + window;
      assertThat(schedule.dueAfter(prompt, step)).as("%s step %d", schedule, step).isEqualTo(due);
      Optional<RowPlan> plan = schedule.plan(prompt, step);
      assertThat(plan.isPresent()).isEqualTo(due);
      if (due) {
        compressions++;
        int candidates = rows - prompt - window;
        assertThat(plan).contains(new RowPlan(prompt, candidates, compressions * kept, window));
        assertThat(plan.get().rowsBefore()).isEqualTo(rows);
        rows = plan.get().rowsAfter();
      }
      assertThat(schedule.compressionsAfter(prompt, step)).isEqualTo(compressions);
      assertThat(schedule.rowsAfter(prompt, step)).isEqualTo(rows);
      assertThat(schedule.peakRows(prompt, step)).isEqualTo(peak);
      assertThat(schedule.attendedRowsTotal(prompt, step)).isEqualTo(attended);
    }
  }

  @Test
  void theWorkedExampleOfThePaperComesOut() {
    RpcSchedule schedule = new RpcSchedule(4, 2, 1);
    int[] attended = {3, 4, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10, 8, 9, 10, 11};
    for (int step = 1; step <= attended.length; step++) {
      assertThat(schedule.rowsAttended(2, step)).as("step %d", step).isEqualTo(attended[step - 1]);
    }
    assertThat(schedule.plan(2, 6)).contains(new RowPlan(2, 4, 1, 2));
    assertThat(schedule.plan(2, 10)).contains(new RowPlan(2, 5, 2, 2));
    assertThat(schedule.plan(2, 14)).contains(new RowPlan(2, 6, 3, 2));
    assertThat(schedule.plan(2, 18)).contains(new RowPlan(2, 7, 4, 2));
    assertThat(schedule.rowsAfter(2, 6)).isEqualTo(5);
    assertThat(schedule.rowsAfter(2, 18)).isEqualTo(8);
  }

  /** Published sizes of the method; prompt 128, window 32. */
  @Test
  void longOutputsHoldThePublishedNumberOfRows() {
    // interval, ratio, output, compressions, final rows, peak, mean
    int[][] table = {
      {1024, 4, 8_192, 7, 2_943, 2_943, 1_557},
      {1024, 4, 16_384, 15, 4_991, 4_991, 2_583},
      {1024, 4, 32_768, 31, 9_087, 9_087, 4_632},
      {4096, 4, 8_192, 1, 5_247, 5_247, 2_700},
      {4096, 4, 16_384, 3, 7_295, 7_295, 3_730},
      {4096, 4, 32_768, 7, 11_391, 11_391, 5_781},
      {1024, 8, 32_768, 31, 5_119, 5_119, 2_652},
      {1024, 4, 13_669, 13, 3_812, 4_256, 2_238},
      {4096, 4, 13_669, 3, 4_580, 6_304, 3_292},
      {4096, 4, 1_778, 0, 1_905, 1_905, 1_017},
    };
    for (int[] row : table) {
      RpcSchedule schedule = new RpcSchedule(row[0], 32, row[0] / row[1]);
      int steps = row[2] - 1;
      assertThat(schedule.compressionsAfter(128, steps)).isEqualTo(row[3]);
      assertThat(schedule.rowsAfter(128, steps)).isEqualTo(row[4]);
      assertThat(schedule.peakRows(128, steps)).isEqualTo(row[5]);
      assertThat((double) schedule.attendedRowsTotal(128, steps) / steps)
          .isCloseTo(row[6], within(0.5));
    }
  }

  @Test
  void compressionStepsOfAnEightThousandRowRunAreThePublishedOnes() {
    RpcSchedule schedule = new RpcSchedule(1024, 32, 256);
    assertThat(schedule.plan(128, 1056)).map(RowPlan::rowsBefore).contains(1184);
    assertThat(schedule.plan(128, 1056)).map(RowPlan::rowsAfter).contains(416);
    assertThat(schedule.plan(128, 31_776)).map(RowPlan::rowsBefore).contains(8864);
    assertThat(schedule.plan(128, 31_776)).map(RowPlan::rowsAfter).contains(8096);
    assertThat(schedule.plan(128, 31_775)).isEmpty();
  }
}
