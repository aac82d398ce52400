package io.tracemill.udf.ml.length;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;

/**
 * A generating stage in decode steps: Spark gives the next partition to whichever task slot is
 * free; a task keeps at most twice its engine's slots of rows inside the engine and hands on the
 * next one as one comes back; the engine starts rows in the order in which they came, one on each
 * lane, a token a step. A step is taken to cost the same however many lanes run, which makes tails
 * longer than on a device where few lanes step faster.
 *
 * @param engines one for each executor
 * @param lanes rows that an engine runs at once
 * @param tasksPerEngine feeders
 */
record DealSimulation(int engines, int lanes, int tasksPerEngine) {

  /** When each row ended, in steps, in the order of ends. */
  record Outcome(double[] ends, double tokens, int allLanes) {
    double makespan() {
      return ends[ends.length - 1];
    }

    /** Steps after 95 % of the rows had ended. */
    double tail() {
      return makespan() - ends[(int) (0.95 * ends.length)];
    }

    /** Share of lane steps in which a row ran. */
    double use() {
      return tokens / (makespan() * allLanes);
    }
  }

  private static final class Task {
    private final int engine;
    private final Deque<Double> rows = new ArrayDeque<>();
    private int inside;

    private Task(int engine) {
      this.engine = engine;
    }
  }

  private record Running(double end, long order, Task task) {}

  private record Waiting(double tokens, Task task) {}

  /** Runs partitions of row lengths. */
  Outcome run(List<List<Double>> partitions) {
    Deque<List<Double>> queue = new ArrayDeque<>(partitions);
    List<Task> tasks = new ArrayList<>();
    for (int slot = 0; slot < tasksPerEngine; slot++) {
      for (int engine = 0; engine < engines; engine++) {
        tasks.add(new Task(engine));
      }
    }
    List<Deque<Waiting>> waiting = new ArrayList<>();
    int[] free = new int[engines];
    for (int engine = 0; engine < engines; engine++) {
      waiting.add(new ArrayDeque<>());
      free[engine] = lanes;
    }
    PriorityQueue<Running> running =
        new PriorityQueue<>(
            Comparator.comparingDouble(Running::end).thenComparingLong(Running::order));
    List<Double> ends = new ArrayList<>();
    double tokens = 0;
    double now = 0;
    long order = 0;
    List<Task> changed = new ArrayList<>(tasks);
    while (true) {
      for (Task task : changed) {
        feed(task, queue, waiting.get(task.engine));
      }
      changed.clear();
      for (int engine = 0; engine < engines; engine++) {
        while (free[engine] > 0 && !waiting.get(engine).isEmpty()) {
          Waiting row = waiting.get(engine).remove();
          running.add(new Running(now + row.tokens(), order++, row.task()));
          tokens += row.tokens();
          free[engine]--;
        }
      }
      if (running.isEmpty()) {
        break;
      }
      Running done = running.remove();
      now = done.end();
      ends.add(now);
      free[done.task().engine]++;
      done.task().inside--;
      changed.add(done.task());
    }
    return new Outcome(
        ends.stream().mapToDouble(Double::doubleValue).toArray(), tokens, engines * lanes);
  }

  private void feed(Task task, Deque<List<Double>> queue, Deque<Waiting> engine) {
    if (task.rows.isEmpty() && task.inside == 0 && !queue.isEmpty()) {
      task.rows.addAll(queue.remove());
    }
    while (task.inside < 2 * lanes && !task.rows.isEmpty()) {
      engine.add(new Waiting(task.rows.remove(), task));
      task.inside++;
    }
  }
}
