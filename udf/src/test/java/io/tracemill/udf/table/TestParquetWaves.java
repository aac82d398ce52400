package io.tracemill.udf.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two writers at one table, whose calls to the file system are interleaved in every order with two
 * turns, and in drawn orders with more. The files are empty: nothing here reads rows.
 */
class TestParquetWaves {
  private static final StructType TYPE = new StructType().add("row_key", DataTypes.StringType);
  private static final long EARLIER = 100;
  private static final long LATER = 200;
  private static final String OLD = file(1);
  private static final String NEW = file(2);

  private static final Configuration UNTOLD = StagedFileSystem.configuration(path -> {});

  @TempDir private Path folder;

  private final AtomicInteger tables = new AtomicInteger();

  private static String file(int wave) {
    return "wave-%s-00000.parquet".formatted(ParquetWave.id(EARLIER, wave));
  }

  /** A table with one wave of the earlier writer. */
  private Path table() throws IOException {
    Path table = folder.resolve("table" + tables.getAndIncrement());
    ParquetWaves waves = plain(table);
    assertThat(waves.claim(EARLIER, "earlier", TYPE)).isTrue();
    assertThat(commit(waves, table, 1, Set.of())).isTrue();
    return table;
  }

  private static ParquetWaves plain(Path table) throws IOException {
    return new ParquetWaves("staged:" + table, UNTOLD);
  }

  private static ParquetWaves staged(Path table, StagedFileSystem.Calls calls) throws IOException {
    return new ParquetWaves("staged:" + table, StagedFileSystem.configuration(calls));
  }

  private static boolean commit(ParquetWaves waves, Path table, int number, Set<String> drops)
      throws IOException {
    String name = "%016d-%d".formatted(EARLIER, number);
    Path part = table.resolve("_writing").resolve(name).resolve("part-0.parquet");
    Files.createDirectories(part.getParent());
    Files.createFile(part);
    return waves.commit(
        new ParquetWaves.Change(EARLIER, number, 1, drops), waves.writing(EARLIER, "" + number));
  }

  private static List<String> live(Path table) throws IOException {
    return plain(table).waves().stream().flatMap(wave -> wave.files().stream()).toList();
  }

  private static void assertIsOneOf(Path table, Set<List<String>> states, String order)
      throws IOException {
    List<String> live = live(table);
    assertThat(states).as(order).contains(live);
    assertThat(live)
        .as(order)
        .allSatisfy(name -> assertThat(table.resolve(name)).as(order).exists());
  }

  /**
   * One writer commits while the other takes over, in an order of turns.
   *
   * @return whether the order was played to its end
   */
  private boolean commitAgainstClaim(List<Integer> order, boolean claimFirst, Set<String> drops)
      throws Exception {
    Path table = table();
    List<String> without = List.of(OLD);
    List<String> with = drops.isEmpty() ? List.of(OLD, NEW) : List.of(NEW);
    String told = "%s, %s first".formatted(order, claimFirst ? "claim" : "commit");
    Turns turns = new Turns(order, () -> assertIsOneOf(table, Set.of(without, with), told));
    ParquetWaves first = staged(table, turns);
    ParquetWaves second = staged(table, turns);
    List<List<String>> found = new ArrayList<>();
    Callable<Boolean> commit = () -> commit(first, table, 2, drops);
    Callable<Boolean> claim =
        () -> {
          boolean claimed = second.claim(LATER, "later", TYPE);
          found.add(live(table));
          second.clean(LATER);
          return claimed;
        };
    Turns.Played<Boolean, Boolean> played =
        claimFirst ? turns.play(claim, commit) : turns.play(commit, claim);
    boolean committed = claimFirst ? played.second() : played.first();
    assertThat(claimFirst ? played.first() : played.second()).as(told).isTrue();
    // What a run plans on when it has claimed is what the table stays.
    assertThat(found).as(told).containsExactly(live(table));
    if (committed) {
      assertThat(live(table)).as(told).isEqualTo(with);
    }
    plain(table).clean(LATER);
    assertThat(plain(table).hasLeftovers()).as(told).isFalse();
    assertIsOneOf(table, Set.of(without, with), told);
    assertThat(commit(plain(table), table, 3, Set.of())).as(told).isFalse();
    return played.whole();
  }

  @Test
  void aReplacingCommitAndAClaimLoseNothingInAnyOrderOfTwoTurns() throws Exception {
    for (boolean claimFirst : new boolean[] {false, true}) {
      int played = 0;
      for (int i = 0; ; i++) {
        int j = 0;
        while (commitAgainstClaim(List.of(i, j), claimFirst, Set.of(OLD))) {
          j++;
          played++;
        }
        if (j == 0) {
          break;
        }
      }
      assertThat(played).as("orders").isGreaterThan(100);
    }
  }

  @Test
  void norDoCommitsOfEitherKindInOrdersOfManyTurns() throws Exception {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 200; i++) {
      List<Integer> order = random.ints(6, 0, 12).boxed().toList();
      try {
        commitAgainstClaim(order, i % 2 == 0, i % 4 < 2 ? Set.of(OLD) : Set.of());
      } catch (AssertionError e) {
        throw new AssertionError("-Dtests.seed=" + seed, e);
      }
    }
  }

  @Test
  void aCommitThatComesBetweenTheLookOfAClaimAndItsPublicationChangesNothing() throws Exception {
    Path table = table();
    List<Boolean> committed = new ArrayList<>();
    ParquetWaves later =
        staged(
            table,
            path -> {
              if (path.getName().endsWith(".claim") && committed.isEmpty()) {
                committed.add(false);
                committed.set(0, commit(plain(table), table, 2, Set.of(OLD)));
              }
            });
    assertThat(later.claim(LATER, "later", TYPE)).isTrue();
    assertThat(committed).containsExactly(false);
    assertThat(live(table)).containsExactly(OLD);
    assertThat(table.resolve(OLD)).exists();
    assertThat(table.resolve(NEW)).doesNotExist();
  }

  @Test
  void aWriterThatDiesBetweenAnnouncementAndClaimShutsOutAndLosesNothing() throws Exception {
    Path table = table();
    ParquetWaves dying =
        staged(
            table,
            path -> {
              if (path.getName().endsWith(".claim")) {
                throw new IOException("dead");
              }
            });
    List<String> died = new ArrayList<>();
    ParquetWaves earlier =
        staged(
            table,
            path -> {
              if (path.getName().equals(ParquetWave.id(EARLIER, 2) + ".json") && died.isEmpty()) {
                died.add("later");
                assertThatThrownBy(() -> dying.claim(LATER, "later", TYPE)).hasMessage("dead");
              }
            });
    assertThat(commit(earlier, table, 2, Set.of(OLD))).isFalse();
    assertThat(plain(table).holder()).hasValue("later");
    assertThat(plain(table).newestClaim()).hasValue(LATER);
    assertThat(table.resolve(OLD)).as("what a claim may name yet").exists();
    assertThat(live(table)).containsExactly(NEW);
    assertThat(commit(plain(table), table, 3, Set.of())).isFalse();

    assertThat(plain(table).claim(LATER + 1, "last", TYPE)).isTrue();
    plain(table).clean(LATER + 1);
    assertThat(live(table)).containsExactly(NEW);
    assertThat(plain(table).hasLeftovers()).isFalse();
  }

  @Test
  void ofTwoClaimsOfOneNumberAtMostOneHolds() throws Exception {
    int both = 0;
    int held = 0;
    for (int i = 0; i < 40; i++) {
      for (int j = 0; j < 40; j++) {
        Path table = table();
        Turns turns = new Turns(List.of(i, j), () -> {});
        ParquetWaves one = staged(table, turns);
        ParquetWaves two = staged(table, turns);
        Turns.Played<Boolean, Boolean> played =
            turns.play(() -> one.claim(LATER, "one", TYPE), () -> two.claim(LATER, "two", TYPE));
        assertThat(played.first() && played.second()).as("%d, %d", i, j).isFalse();
        if (played.first() || played.second()) {
          held++;
          assertThat(plain(table).holder()).hasValue(played.first() ? "one" : "two");
        } else {
          both++;
          assertThat(plain(table).holder()).hasValue("earlier");
        }
        if (!played.whole()) {
          break;
        }
      }
    }
    assertThat(held).isPositive();
    assertThat(both).isPositive();
  }
}
