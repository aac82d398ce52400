package io.tracemill.engine.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import io.tracemill.engine.schedule.CallClock.Call;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class TestWatchdog {
  private final CallClock calls = new CallClock();
  private final List<String> hangs = new ArrayList<>();
  private long nowNanos;
  private final Watchdog watchdog =
      new Watchdog(calls, Duration.ofSeconds(60), () -> nowNanos, hangs::add);

  @Test
  void aCallThatTakesTooLongIsNamed() {
    calls.begin(Call.DECODE, 16);
    assertThat(lookFor(59)).isFalse();
    assertThat(hangs).isEmpty();
    assertThat(lookFor(5)).isTrue();
    assertThat(hangs).containsExactly("decoding (lanes: 16)");
  }

  @Test
  void manyShortCallsAreNotOneLongOne() {
    for (int i = 0; i < 100; i++) {
      calls.begin(Call.PREFILL, 3);
      assertThat(lookFor(30)).isFalse();
      calls.end();
      calls.begin(Call.READ_TOKENS, 3);
      assertThat(lookFor(30)).isFalse();
      calls.end();
    }
  }

  @Test
  void anIdleEngineDoesNotHang() {
    calls.begin(Call.DECODE, 1);
    calls.end();
    assertThat(lookFor(100_000)).isFalse();
  }

  @Test
  void aPauseOfTheWholeProcessDoesNotCount() {
    calls.begin(Call.COMPRESS, 2);
    assertThat(lookFor(10)).isFalse();
    nowNanos += TimeUnit.HOURS.toNanos(3);
    assertThat(lookFor(10)).isFalse();
    assertThat(lookFor(60)).isTrue();
  }

  /** One look each second. */
  private boolean lookFor(int seconds) {
    for (int i = 0; i < seconds; i++) {
      nowNanos += TimeUnit.SECONDS.toNanos(1);
      if (watchdog.look()) {
        return true;
      }
    }
    return false;
  }
}
