package io.tracemill.engine;

import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.error.ErrorType;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.schedule.FinishedSequence;
import io.tracemill.engine.schedule.OutputWatch;
import io.tracemill.engine.schedule.RequestChannel;
import io.tracemill.engine.schedule.SequenceSpec;
import io.tracemill.engine.text.EncodedPrompt;
import io.tracemill.engine.text.StopStrings;
import io.tracemill.engine.text.ThinkingStart;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Text on the caller's side, sequences on the engine's: renders, tokenises, decodes. */
final class EngineFeeder implements Feeder {

  /** A request whose sequence the engine has. */
  private record Submitted(GenerationRequest request, ThinkingStart thinkingStart) {}

  private final RequestChannel channel;
  private final ModelText text;
  private final int vocabSize;
  private final RequestPolicies policies;
  private final ResultAssembler assembler;
  private final Map<SequenceSpec, Submitted> submitted = new IdentityHashMap<>();
  private final ArrayDeque<GenerationResult> refused = new ArrayDeque<>();
  private Prompt newestPrompt;
  private EncodedPrompt newestEncoded;
  private boolean closed;

  /** A feeder that releases the text and closes the channel when it is closed. */
  EngineFeeder(RequestChannel channel, ModelText text, int vocabSize, RequestPolicies policies) {
    this.channel = channel;
    this.text = text;
    this.vocabSize = vocabSize;
    this.policies = policies;
    this.assembler = new ResultAssembler(text);
  }

  @Override
  public void submit(GenerationRequest request) {
    if (closed) {
      throw new IllegalStateException("the feeder is closed");
    }
    EncodedPrompt prompt;
    SequenceSpec spec;
    try {
      prompt = encode(request.prompt());
      spec = spec(request, prompt);
    } catch (ReasoningException e) {
      if (e.code().type() != ErrorType.USER) {
        throw e;
      }
      refused.addLast(ResultAssembler.refused(request, e));
      return;
    }
    channel.submit(spec);
    submitted.put(spec, new Submitted(request, prompt.thinkingStart()));
  }

  @Override
  public int outstanding() {
    return channel.outstanding() + refused.size();
  }

  @Override
  public Optional<GenerationResult> poll(Duration timeout) {
    if (!refused.isEmpty()) {
      return Optional.of(refused.removeFirst());
    }
    return channel.poll(timeout).map(this::assemble);
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      channel.close();
      submitted.clear();
      refused.clear();
      text.release();
    }
  }

  private GenerationResult assemble(FinishedSequence finished) {
    Submitted origin = submitted.remove(finished.spec());
    return assembler.result(origin.request(), origin.thinkingStart(), finished);
  }

  private EncodedPrompt encode(Prompt prompt) {
    if (prompt instanceof Prompt.Tokens tokens) {
      for (int token : tokens.ids()) {
        if (token >= vocabSize) {
          throw EngineErrors.tokenOutsideVocabulary(token, vocabSize);
        }
      }
    }
    // The samples of a row follow each other with the same prompt.
    if (!prompt.equals(newestPrompt)) {
      newestEncoded = text.prompts().encode(prompt);
      newestPrompt = prompt;
    }
    return newestEncoded;
  }

  private SequenceSpec spec(GenerationRequest request, EncodedPrompt prompt) {
    StopStrings stopStrings = new StopStrings(request.sampling().stopStrings());
    Supplier<OutputWatch> watch =
        stopStrings.isEmpty()
            ? () -> OutputWatch.NONE
            : () -> new StopStringWatch(text.tokenizer(), stopStrings);
    return new SequenceSpec(
        request.rowKey(),
        request.sampleIndex(),
        prompt.tokenIds(),
        request.sampling(),
        policies.of(request.kvPolicy()),
        request.expectedTokens(),
        watch);
  }
}
