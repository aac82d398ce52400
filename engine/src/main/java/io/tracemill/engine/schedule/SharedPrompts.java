package io.tracemill.engine.schedule;

import io.tracemill.engine.kvcache.KvLayout;
import io.tracemill.engine.kvcache.PageAllocator;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Finds the sequences that ask with the same prompt, so that its whole pages exist once. */
final class SharedPrompts {
  private final PageAllocator allocator;
  private final Admission admission;
  private final Map<Key, SharedPrompt> prompts = new HashMap<>();

  /** Prompts are equal where their tokens are and as many of their pages stay untouched. */
  private static final class Key {
    private final int[] tokens;
    private final int numPages;
    private final int hash;

    Key(int[] tokens, int numPages) {
      this.tokens = tokens;
      this.numPages = numPages;
      this.hash = 31 * Arrays.hashCode(tokens) + numPages;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Key key
          && key.hash == hash
          && key.numPages == numPages
          && (key.tokens == tokens || Arrays.equals(key.tokens, tokens));
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  SharedPrompts(PageAllocator allocator, Admission admission) {
    this.allocator = allocator;
    this.admission = admission;
  }

  /** Notes a sequence that waits; it counts until {@link #leave}. */
  void join(Sequence sequence) {
    key(sequence)
        .ifPresent(
            key -> {
              SharedPrompt prompt =
                  prompts.computeIfAbsent(
                      key, k -> new SharedPrompt(allocator, admission, k.numPages));
              prompt.join();
              sequence.joined(prompt);
            });
  }

  /** A sequence has ended. */
  void leave(Sequence sequence) {
    if (sequence.prompt().isPresent() && sequence.prompt().get().leave()) {
      prompts.remove(key(sequence).orElseThrow());
    }
  }

  /**
   * Gives back the pages of prompts that only waiting sequences ask with, but for one.
   *
   * @return whether there were any
   */
  boolean dropIdle(Optional<SharedPrompt> butFor) {
    boolean dropped = false;
    for (SharedPrompt prompt : prompts.values()) {
      if (prompt.isIdle() && butFor.orElse(null) != prompt) {
        prompt.drop();
        dropped = true;
      }
    }
    return dropped;
  }

  private static Optional<Key> key(Sequence sequence) {
    int[] tokens = sequence.spec().promptTokens();
    int rows = Math.min(tokens.length - 1, sequence.schedule().untouchedRows(tokens.length));
    int pages = rows / KvLayout.PAGE_SIZE_TOKENS;
    return pages == 0 || sequence.spec().sampling().repetitionPenalty() != 1
        ? Optional.empty()
        : Optional.of(new Key(tokens, pages));
  }
}
