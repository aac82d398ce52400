package io.tracemill.engine.schedule;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the engine thread has asked of the backend and waits for now. Written by that thread at
 * every call, read by the watchdog.
 */
final class CallClock {

  /** What a backend is asked. */
  enum Call {
    START_LANE("starting a lane"),
    MAP_PAGES("mapping pages (%d)"),
    END_LANE("ending a lane"),
    PREFILL("prefilling (chunks: %d)"),
    DECODE("decoding (lanes: %d)"),
    COMPRESS("compressing (lanes: %d)"),
    READ_TOKENS("computing tokens (%d)");

    private final String sentence;

    Call(String sentence) {
      this.sentence = sentence;
    }
  }

  private Call call = Call.START_LANE;
  private int size;

  /** Odd while a call is under way; makes what was written before it visible. */
  private final AtomicLong count = new AtomicLong();

  void begin(Call newCall, int newSize) {
    call = newCall;
    size = newSize;
    count.set(count.getPlain() + 1);
  }

  void end() {
    count.set(count.getPlain() + 1);
  }

  /** Number of the call under way; 0 where there is none. */
  long underWay() {
    long now = count.get();
    return (now & 1) == 1 ? now : 0;
  }

  /** The call under way, as a clause such as {@code decoding (lanes: 16)}. */
  String describe() {
    return call.sentence.formatted(size);
  }
}
