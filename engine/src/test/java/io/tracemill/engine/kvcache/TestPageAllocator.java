package io.tracemill.engine.kvcache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.TestSeeds;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class TestPageAllocator {

  @Test
  void noPageIsHandedOutTwiceAndTheLastOneIsRefused() {
    PageAllocator pages = new PageAllocator(3);
    Set<Integer> handedOut = new HashSet<>(List.of(pages.allocate(), pages.allocate()));
    handedOut.add(pages.allocate());
    assertThat(handedOut).containsExactlyInAnyOrder(0, 1, 2);
    assertThat(pages.freePages()).isZero();
    assertThatThrownBy(pages::allocate)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("all 3 pages are in use");
  }

  @Test
  void aSharedPageIsFreeOnlyAfterItsLastHolder() {
    PageAllocator pages = new PageAllocator(2);
    int page = pages.allocate();
    pages.retain(page);
    pages.release(page);
    assertThat(pages.usedPages()).isEqualTo(1);
    assertThat(pages.holders(page)).isEqualTo(1);
    pages.release(page);
    assertThat(pages.usedPages()).isZero();
  }

  @Test
  void aSecondReleaseAndSharingAFreePageAreDefects() {
    PageAllocator pages = new PageAllocator(2);
    int page = pages.allocate();
    pages.release(page);
    assertThatThrownBy(() -> pages.release(page))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("page 0 was released twice");
    assertThatThrownBy(() -> pages.retain(page))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("page 0 is free and cannot be shared");
  }

  @Test
  void tablesGrowTrimAndGiveEverythingBack() {
    PageAllocator pages = new PageAllocator(4);
    PageTable table = new PageTable(pages);
    assertThat(table.grow(64)).isZero();
    assertThat(table.size()).isEqualTo(1);
    assertThat(table.missingPages(65)).isEqualTo(1);
    assertThat(table.grow(200)).isEqualTo(1);
    assertThat(table.pagesFrom(1)).containsExactly(table.page(1), table.page(2), table.page(3));
    assertThatThrownBy(() -> table.grow(257))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("257 rows need 1 more pages, 0 are free");
    assertThat(table.size()).isEqualTo(4);
    assertThat(table.trim(65)).isEqualTo(2);
    assertThat(table.trim(64)).isEqualTo(1);
    table.release();
    assertThat(pages.freePages()).isEqualTo(4);
    table.release();
    assertThat(pages.freePages()).isEqualTo(4);
  }

  @Test
  void freeAndUsedAddUpUnderRandomUse() {
    Random random = TestSeeds.random("TestPageAllocator");
    int total = 50;
    PageAllocator pages = new PageAllocator(total);
    List<PageTable> tables = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      tables.add(new PageTable(pages));
    }
    for (int i = 0; i < TestSeeds.iterations(20_000); i++) {
      PageTable table = tables.get(random.nextInt(tables.size()));
      int rows = random.nextInt(12 * 64);
      if (random.nextInt(10) == 0) {
        PageTable fresh = new PageTable(pages);
        table.release();
        PageTable other = tables.get(random.nextInt(tables.size()));
        for (int entry = 0; entry < other.size(); entry++) {
          fresh.share(other.page(entry));
        }
        tables.set(tables.indexOf(table), fresh);
      } else if (table.missingPages(rows) <= pages.freePages() && random.nextBoolean()) {
        table.grow(rows);
      } else {
        table.trim(rows);
      }
      checkCounts(pages, tables, total);
    }
    tables.forEach(PageTable::release);
    assertThat(pages.freePages()).isEqualTo(total);
  }

  private static void checkCounts(PageAllocator pages, List<PageTable> tables, int total) {
    int[] holders = new int[total];
    for (PageTable table : tables) {
      for (int entry = 0; entry < table.size(); entry++) {
        holders[table.page(entry)]++;
      }
    }
    int used = 0;
    for (int page = 0; page < total; page++) {
      assertThat(pages.holders(page)).isEqualTo(holders[page]);
      used += holders[page] > 0 ? 1 : 0;
    }
    assertThat(pages.usedPages()).isEqualTo(used);
    assertThat(pages.freePages() + pages.usedPages()).isEqualTo(total);
  }
}
