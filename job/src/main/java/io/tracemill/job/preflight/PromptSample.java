package io.tracemill.job.preflight;

import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.EncodedPrompt;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.PromptReader.PromptRow;
import io.tracemill.udf.Work;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Row;

/**
 * Rows of the input, rendered and tokenised on the driver.
 *
 * @param rows those that can be asked, in the order of the sample
 * @param refused those that cannot, with the reason
 */
record PromptSample(List<Tokenised> rows, List<Refused> refused) {
  /** Enough for percentiles; at a millisecond a prompt a few seconds. */
  private static final int MOST_ROWS = 2_000;

  private static final long SEED = 0;

  /** A row with its first request. */
  record Tokenised(Row row, Work.Wanted<PromptRow> work, EncodedPrompt prompt) {
    String key() {
      return work.request().rowKey();
    }

    int tokens() {
      return prompt.numTokens();
    }

    /** Most tokens that the row may generate in a context of so many. */
    int budget(int contextTokens) {
      return Math.min(work.request().sampling().maxNewTokens(), contextTokens - tokens());
    }
  }

  /** A row that would become a result with an error. */
  record Refused(String key, String reason) {}

  PromptSample {
    rows = List.copyOf(rows);
    refused = List.copyOf(refused);
  }

  /** All rows of a small table, else a random part that is the same each time. */
  static PromptSample of(InputTable input, PromptReader reader, PromptTokenizer tokenizer) {
    double share = 1.2 * MOST_ROWS / input.numRows();
    List<Row> taken =
        (share >= 1 ? input.rows() : input.rows().sample(share, SEED))
            .limit(MOST_ROWS)
            .collectAsList();
    List<Tokenised> rows = new ArrayList<>();
    List<Refused> refused = new ArrayList<>();
    for (Row row : taken) {
      Work<PromptRow> work = reader.work(row).get(0);
      if (work instanceof Work.Refused<PromptRow> bad) {
        refused.add(new Refused(bad.rowKey(), bad.error().message()));
        continue;
      }
      Work.Wanted<PromptRow> wanted = (Work.Wanted<PromptRow>) work;
      Optional<String> problem = tokenise(wanted.request().prompt(), tokenizer, rows, row, wanted);
      problem.ifPresent(why -> refused.add(new Refused(wanted.request().rowKey(), why)));
    }
    return new PromptSample(rows, refused);
  }

  private static Optional<String> tokenise(
      Prompt prompt,
      PromptTokenizer tokenizer,
      List<Tokenised> rows,
      Row row,
      Work.Wanted<PromptRow> wanted) {
    try {
      rows.add(new Tokenised(row, wanted, tokenizer.encode(prompt)));
      return Optional.empty();
    } catch (ReasoningException e) {
      return Optional.of(e.getMessage());
    }
  }

  int size() {
    return rows.size() + refused.size();
  }

  /** Rows whose prompt leaves no room for an output token. */
  List<Tokenised> beyond(int contextTokens) {
    return rows.stream().filter(row -> row.tokens() >= contextTokens).toList();
  }

  /** Rows that run, but whose output ends at the context instead of its budget. */
  long cutByContext(int contextTokens) {
    return rows.stream()
        .filter(row -> row.tokens() < contextTokens)
        .filter(
            row -> row.tokens() + row.work().request().sampling().maxNewTokens() > contextTokens)
        .count();
  }
}
