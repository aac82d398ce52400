package io.tracemill.engine.schedule;

import io.tracemill.engine.backend.Backend;
import io.tracemill.engine.backend.BackendInfo;
import io.tracemill.engine.backend.LaneCompression;
import io.tracemill.engine.backend.LaneStart;
import io.tracemill.engine.backend.PendingCompression;
import io.tracemill.engine.backend.PendingTokens;
import io.tracemill.engine.backend.PrefillChunk;
import io.tracemill.engine.schedule.CallClock.Call;
import java.util.List;
import java.util.function.Supplier;

/**
 * A backend whose every call, and every wait for its tokens, shows on a {@link CallClock}. The
 * figures of compressions are not timed: they are read once later tokens are there, and so are they
 * then.
 */
final class TimedBackend implements Backend {
  private final Backend backend;
  private final CallClock clock;

  TimedBackend(Backend backend, CallClock clock) {
    this.backend = backend;
    this.clock = clock;
  }

  @Override
  public BackendInfo info() {
    return backend.info();
  }

  @Override
  public void startLane(LaneStart start) {
    clock.begin(Call.START_LANE, 1);
    try {
      backend.startLane(start);
    } finally {
      clock.end();
    }
  }

  @Override
  public void mapPages(int lane, int firstEntry, int[] pages) {
    clock.begin(Call.MAP_PAGES, pages.length);
    try {
      backend.mapPages(lane, firstEntry, pages);
    } finally {
      clock.end();
    }
  }

  @Override
  public void endLane(int lane) {
    clock.begin(Call.END_LANE, 1);
    try {
      backend.endLane(lane);
    } finally {
      clock.end();
    }
  }

  @Override
  public PendingTokens prefill(List<PrefillChunk> chunks) {
    return new TimedTokens(
        timed(Call.PREFILL, chunks.size(), () -> backend.prefill(chunks)), clock);
  }

  @Override
  public PendingTokens decode(int[] lanes) {
    return new TimedTokens(timed(Call.DECODE, lanes.length, () -> backend.decode(lanes)), clock);
  }

  @Override
  public PendingCompression compress(List<LaneCompression> compressions) {
    return timed(Call.COMPRESS, compressions.size(), () -> backend.compress(compressions));
  }

  @Override
  public void close() {
    backend.close();
  }

  private <T> T timed(Call call, int size, Supplier<T> work) {
    clock.begin(call, size);
    try {
      return work.get();
    } finally {
      clock.end();
    }
  }

  private record TimedTokens(PendingTokens tokens, CallClock clock) implements PendingTokens {
    @Override
    public int size() {
      return tokens.size();
    }

    @Override
    public boolean isDone() {
      return tokens.isDone();
    }

    @Override
    public int[] await() {
      clock.begin(Call.READ_TOKENS, tokens.size());
      try {
        return tokens.await();
      } finally {
        clock.end();
      }
    }
  }
}
