package io.tracemill.job.wave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.job.JobRun;
import io.tracemill.job.output.TraceTable;
import io.tracemill.job.output.Wave;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two waves at once, in their order, on the two task slots of local[2]. */
@Timeout(120)
class TestWaveRunner {
  private static final StructType TYPE = new StructType().add("task", DataTypes.IntegerType);
  private static final long LONG_MILLIS = 4_000;

  /** A table that runs the query and notes what happens when. */
  private static final class NotedTable implements TraceTable {
    private final List<String> notes = Collections.synchronizedList(new ArrayList<>());

    @Override
    public void write(Dataset<Row> rows, Wave wave) {
      notes.add("begin " + wave.number());
      assertThat(rows.toJavaRDD().count()).isEqualTo(wave.rows());
      notes.add("end " + wave.number());
    }

    @Override
    public Optional<Dataset<Row>> snapshot() {
      throw new UnsupportedOperationException("not asked");
    }

    @Override
    public Claim claim(StructType type) {
      throw new UnsupportedOperationException("not asked");
    }

    @Override
    public void compact() {
      notes.add("compact");
    }

    @Override
    public void finish() {
      throw new UnsupportedOperationException("not asked");
    }

    @Override
    public void clean() {
      throw new UnsupportedOperationException("not asked");
    }

    @Override
    public Leftovers removeLeftovers(Predicate<String> ended) {
      throw new UnsupportedOperationException("not asked");
    }
  }

  /** Four tasks a wave; a task takes the time that the wave says. */
  private record Tasks(int longWave, int brokenWave) implements WaveRunner.Generation {
    @Override
    public int tasks(Wave wave) {
      return 4;
    }

    @Override
    public Dataset<Row> generate(Wave wave) {
      int number = wave.number();
      int slow = longWave;
      int broken = brokenWave;
      return JobRun.spark()
          .range(0, 4, 1, 4)
          .toDF()
          .mapPartitions(
              (MapPartitionsFunction<Row, Row>)
                  rows -> {
                    // Compiled queries compute a row when they are asked whether there is one.
                    long task = rows.hasNext() ? rows.next().getLong(0) : -1;
                    if (number == broken) {
                      throw new IllegalStateException("wave " + number + " is broken");
                    }
                    Thread.sleep(number == slow && task == 3 ? LONG_MILLIS : 20);
                    return List.of(RowFactory.create((int) task)).iterator();
                  },
              Encoders.row(TYPE));
    }
  }

  private static List<Wave> waves(int count) {
    return IntStream.rangeClosed(1, count)
        .mapToObj(number -> new Wave(number, 4, Wave.Content.NEW_ROWS))
        .toList();
  }

  @Test
  void theNextWaveFillsTheSlotsThatTheTailOfTheOneBeforeLeaves() throws Exception {
    NotedTable table = new NotedTable();
    new WaveRunner(JobRun.spark(), table, "overlap").run(waves(3), new Tasks(1, 0));
    // Wave 2 ends while the last task of wave 1 still runs; wave 3 waits for wave 1.
    assertThat(table.notes)
        .containsExactly("begin 1", "begin 2", "end 2", "end 1", "begin 3", "end 3");
  }

  @Test
  void aWaveThatFailsCancelsTheOtherAndItsReasonIsThrown() {
    NotedTable table = new NotedTable();
    JobRun.spark(); // Starting Spark is not measured.
    long start = System.nanoTime();
    assertThatThrownBy(
            () -> new WaveRunner(JobRun.spark(), table, "broken").run(waves(4), new Tasks(1, 2)))
        .hasStackTraceContaining("wave 2 is broken");
    assertThat(table.notes).doesNotContain("end 1", "end 2", "begin 3");
    assertThat(System.nanoTime() - start).isLessThan(50_000_000_000L);
  }

  @Test
  void aUsualWaveHasSixteenRowsForEachSlotAndSmallRunsAreOneWave() {
    assertThat(WaveSize.usual(64)).isEqualTo(1_024);
    assertThat(WaveSize.usual(8 * 160)).isEqualTo(20_480);
    assertThat(WaveSize.waves(1_024, 1_024)).isEqualTo(1);
    assertThat(WaveSize.waves(1_025, 1_024)).isEqualTo(2);
    assertThat(WaveSize.waves(0, 1_024)).isZero();
  }
}
