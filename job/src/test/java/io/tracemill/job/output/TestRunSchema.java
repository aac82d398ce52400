package io.tracemill.job.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.job.JobRun;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Test;

class TestRunSchema {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  @Test
  void aRunsRowHoldsItsTimelinePointByPoint() {
    TimelinePoint point = new TimelinePoint(START.plusSeconds(2), "1", 7.5, 8, 3, 40, 64, 123.4);
    RunRecord run =
        new RunRecord(
            "r1",
            "f1",
            Map.of("temperature", "0.0"),
            RunState.COMPLETED,
            Optional.empty(),
            "app",
            START,
            Optional.of(START.plusSeconds(3)),
            "m@1",
            "0.1",
            "fake",
            KvPolicySettings.full(),
            RunTotals.NONE,
            Map.of("slots", "8"),
            List.of(point));
    Dataset<Row> runs =
        JobRun.spark().createDataFrame(List.of(RunSchema.row(run)), RunSchema.type());
    Row read = runs.selectExpr("run_id", "seconds", "settings['slots']", "inline(timeline)").head();
    assertThat(read.mkString("|")).isEqualTo("r1|3.0|8|" + read.get(3) + "|1|7.5|8|3|40|64|123.4");
    assertThat(runs.selectExpr("unix_millis(timeline[0].at)").head().getLong(0))
        .isEqualTo(point.at().toEpochMilli());
  }

  @Test
  void aPointThatCannotBeIsRefused() {
    assertThatThrownBy(() -> new TimelinePoint(START, "1", -1, 8, 0, 0, 0, 0))
        .hasMessage("-1.0 slots used, 0.0 tokens/s; neither may be negative");
    assertThatThrownBy(() -> new TimelinePoint(START, "1", 0, 8, -2, 0, 0, 0))
        .hasMessage("negative among 8 slots, -2 waiting, 0 of 0 KV pages");
  }
}
