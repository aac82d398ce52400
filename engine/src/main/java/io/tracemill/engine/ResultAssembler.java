package io.tracemill.engine;

import io.tracemill.engine.api.FinishReason;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.KvAccount;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.api.Timings;
import io.tracemill.engine.api.TokenCounts;
import io.tracemill.engine.api.TraceText;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.schedule.FinishedSequence;
import io.tracemill.engine.text.AnswerExtractor;
import io.tracemill.engine.text.IncrementalDecoder;
import io.tracemill.engine.text.SpecialTokenOutput;
import io.tracemill.engine.text.StopStrings;
import io.tracemill.engine.text.ThinkingSplit;
import io.tracemill.engine.text.ThinkingStart;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Turns finished sequences into results: text, thinking and answer, counts. */
final class ResultAssembler {
  private final ModelText text;

  ResultAssembler(ModelText text) {
    this.text = text;
  }

  /** The result of a sequence that ran, or that the scheduler refused. */
  GenerationResult result(
      GenerationRequest request, ThinkingStart thinkingStart, FinishedSequence finished) {
    int[] ids = finished.tokens();
    int promptTokens = finished.spec().promptTokens().length;
    boolean failed = finished.reason() == FinishReason.ERROR;
    String trace = failed ? "" : trace(request, finished);
    ThinkingSplit split =
        failed || ids.length == 0
            ? new ThinkingSplit("", Optional.empty(), 0, ids.length)
            : text.splitter().split(trace, ids, thinkingStart);
    Optional<String> extracted =
        finished.reason().isComplete() ? AnswerExtractor.extract(split) : Optional.empty();
    return new GenerationResult(
        request.rowKey(),
        request.sampleIndex(),
        finished.reason(),
        finished.error(),
        new TraceText(trace, split.thinking(), split.answer(), extracted),
        new TokenCounts(promptTokens, split.thinkingTokens(), split.answerTokens(), ids.length),
        Arrays.stream(ids).boxed().toList(),
        finished.kv(),
        finished.timings());
  }

  /** The result of a row that could not be submitted. */
  static GenerationResult refused(GenerationRequest request, ReasoningException cause) {
    return new GenerationResult(
        request.rowKey(),
        request.sampleIndex(),
        FinishReason.ERROR,
        Optional.of(new RowError(cause.code(), cause.getMessage())),
        TraceText.NONE,
        new TokenCounts(0, 0, 0, 0),
        List.of(),
        new KvAccount(request.kvPolicy(), 0, 0, 0, 0, 0, 0, 0, 0, List.of()),
        Timings.NONE);
  }

  private String trace(GenerationRequest request, FinishedSequence finished) {
    int[] ids = finished.tokens();
    if (finished.reason() == FinishReason.STOP) {
      ids = Arrays.copyOf(ids, ids.length - 1);
    }
    String whole =
        IncrementalDecoder.decode(text.tokenizer(), SpecialTokenOutput.THINKING_TAGS, ids);
    if (finished.reason() != FinishReason.STOP_STRING) {
      return whole;
    }
    return new StopStrings(request.sampling().stopStrings())
        .watch()
        .append(whole)
        .map(match -> whole.substring(0, match.cutAt()))
        .orElse(whole);
  }
}
