package io.tracemill.engine.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.TestSeeds;
import io.tracemill.engine.compress.IntervalSchedule.Watch;
import io.tracemill.engine.compress.PolicyNeeds.PromptRows;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Closed forms against the rows that are left when every plan is carried out, step by step. */
final class TestSchedules {
  private final Random random = TestSeeds.random("TestSchedules");

  @Test
  void intervalSchedulesAreWhatTheirPlansLeave() {
    for (int i = 0; i < TestSeeds.iterations(300); i++) {
      IntervalSchedule schedule = randomInterval();
      simulate(schedule, 1 + random.nextInt(60), 300);
    }
  }

  @Test
  void lagSchedulesAreWhatTheirPlansLeave() {
    for (int i = 0; i < TestSeeds.iterations(300); i++) {
      int partition = 2 + random.nextInt(20);
      LagSchedule schedule =
          new LagSchedule(
              partition,
              1 + random.nextInt(partition - 1),
              PromptRows.values()[random.nextInt(2)],
              random.nextInt(6));
      simulate(schedule, 1 + random.nextInt(100), 250);
    }
  }

  @Test
  void aFixedBudgetIsKeptFromTheFirstIntervalThatExceedsIt() {
    IntervalSchedule schedule =
        new IntervalSchedule(
            8, new RowTarget.Fixed(20), PromptRows.COMPETE, 4, 6, Watch.COMPRESSIONS);
    assertThat(schedule.plan(10, 8)).as("18 rows fit").isEmpty();
    assertThat(schedule.plan(10, 16)).contains(new RowPlan(4, 16, 10, 6));
    assertThat(schedule.rowsAfter(10, 16)).isEqualTo(20);
    assertThat(schedule.plan(10, 24)).contains(new RowPlan(4, 18, 10, 6));
    assertThat(schedule.rowsAfter(10, 1000)).isEqualTo(20);
    assertThat(schedule.peakRows(10, 1000)).isEqualTo(28);
    assertThat(schedule.compressionsAfter(10, 1000)).isEqualTo(124);
  }

  @Test
  void aProtectedPromptComesOnTop() {
    IntervalSchedule schedule =
        new IntervalSchedule(8, new RowTarget.Fixed(20), PromptRows.STAY, 0, 6, Watch.COMPRESSIONS);
    assertThat(schedule.plan(10, 16)).isEmpty();
    assertThat(schedule.plan(10, 24)).contains(new RowPlan(10, 18, 14, 6));
    assertThat(schedule.rowsAfter(10, 24)).isEqualTo(30);
  }

  @Test
  void aShareGrowsWithTheText() {
    IntervalSchedule schedule =
        new IntervalSchedule(
            10, new RowTarget.Share(5, 4), PromptRows.COMPETE, 0, 4, Watch.COMPRESSIONS);
    assertThat(schedule.rowsAfter(3, 10)).as("of 13 rows, 5 at least").isEqualTo(5);
    assertThat(schedule.rowsAfter(3, 100)).isEqualTo(25);
  }

  @Test
  void observationsRunUntilThereIsSomethingToDrop() {
    IntervalSchedule schedule =
        new IntervalSchedule(
            8, new RowTarget.Fixed(20), PromptRows.COMPETE, 0, 6, Watch.EVERY_INTERVAL);
    assertThat(schedule.observation(3, 7)).isEmpty();
    assertThat(schedule.observation(3, 8)).contains(new RowPlan(0, 5, 5, 6));
    assertThat(schedule.observation(3, 16)).contains(new RowPlan(0, 13, 13, 6));
    assertThat(schedule.observation(3, 24)).as("a compression by then").isEmpty();
    assertThat(schedule.plan(3, 24)).isPresent();
  }

  @Test
  void aPartitionIsCutOnceTheNextOneIsWhole() {
    LagSchedule schedule = new LagSchedule(8, 2, PromptRows.COMPETE, 3);
    assertThat(schedule.plan(5, 13)).isEmpty();
    assertThat(schedule.plan(5, 14)).contains(new RowPlan(3, 8, 2, 8));
    assertThat(schedule.plan(5, 22)).contains(new RowPlan(5, 8, 2, 8));
    assertThat(schedule.rowsAfter(5, 22)).isEqualTo(15);
    assertThat(schedule.plan(40, 1)).as("a long prompt").contains(new RowPlan(3, 8, 2, 30));
    assertThat(schedule.plan(40, 2)).as("one a step").contains(new RowPlan(5, 8, 2, 23));
  }

  @Test
  void partsThatDoNotFitAreNotPutTogether() {
    assertThatThrownBy(
            () ->
                new IntervalSchedule(
                    8, new RowTarget.Fixed(9), PromptRows.COMPETE, 4, 6, Watch.COMPRESSIONS))
        .hasMessageContaining("sinks 4");
    assertThatThrownBy(() -> new LagSchedule(4, 4, PromptRows.STAY, 0))
        .hasMessageContaining("kept 4");
  }

  private IntervalSchedule randomInterval() {
    int sinks = random.nextInt(5);
    int window = 1 + random.nextInt(8);
    int least = sinks + window + 1;
    RowTarget target =
        switch (random.nextInt(3)) {
          case 0 -> new RowTarget.Fixed(least + random.nextInt(40));
          case 1 -> new RowTarget.Share(least, 2 + random.nextInt(6));
          default -> new RowTarget.AtMost(least, least + random.nextInt(60));
        };
    return new IntervalSchedule(
        1 + random.nextInt(20),
        target,
        PromptRows.values()[random.nextInt(2)],
        sinks,
        window,
        Watch.values()[random.nextInt(2)]);
  }

  private static void simulate(CompressionSchedule schedule, int prompt, int lastStep) {
    int rows = prompt;
    int peak = prompt;
    long attended = 0;
    int compressions = 0;
    assertThat(schedule.peakRows(prompt, 0)).isEqualTo(prompt);
    assertThat(schedule.attendedRowsTotal(prompt, 0)).isZero();
    assertThat(schedule.compressionsAfter(prompt, 0)).isZero();
    for (int step = 1; step <= lastStep; step++) {
      String where = schedule + " prompt " + prompt + " step " + step;
      rows++;
      peak = step == 1 ? rows : Math.max(peak, rows);
      attended += rows;
      assertThat(schedule.rowsAttended(prompt, step)).as(where).isEqualTo(rows);
      Optional<RowPlan> plan = schedule.plan(prompt, step);
      assertThat(schedule.dueAfter(prompt, step)).as(where).isEqualTo(plan.isPresent());
      if (plan.isPresent()) {
        assertThat(plan.get().rowsBefore()).as(where).isEqualTo(rows);
        rows = plan.get().rowsAfter();
        compressions++;
      }
      Optional<RowPlan> observed = schedule.observation(prompt, step);
      if (observed.isPresent()) {
        assertThat(plan).as(where).isEmpty();
        assertThat(observed.get().rowsBefore()).as(where).isEqualTo(rows);
        assertThat(observed.get().rowsAfter()).as(where).isEqualTo(rows);
      }
      assertThat(schedule.rowsAfter(prompt, step)).as(where).isEqualTo(rows);
      assertThat(schedule.compressionsAfter(prompt, step)).as(where).isEqualTo(compressions);
      assertThat(schedule.peakRows(prompt, step)).as(where).isEqualTo(peak);
      assertThat(schedule.attendedRowsTotal(prompt, step)).as(where).isEqualTo(attended);
    }
  }
}
