package io.tracemill.engine;

import io.tracemill.engine.schedule.OutputWatch;
import io.tracemill.engine.text.IncrementalDecoder;
import io.tracemill.engine.text.SpecialTokenOutput;
import io.tracemill.engine.text.StopStrings;
import io.tracemill.engine.text.Tokenizer;

/** Decodes one output as it grows and ends it where a stop string is complete. */
final class StopStringWatch implements OutputWatch {
  private final IncrementalDecoder decoder;
  private final StopStrings.Watcher watcher;

  StopStringWatch(Tokenizer tokenizer, StopStrings stopStrings) {
    this.decoder = new IncrementalDecoder(tokenizer, SpecialTokenOutput.THINKING_TAGS);
    this.watcher = stopStrings.watch();
  }

  @Override
  public boolean endsAfter(int token) {
    return watcher.append(decoder.append(token)).isPresent();
  }
}
