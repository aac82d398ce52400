package io.tracemill.job.input;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.udf;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.Work;
import io.tracemill.udf.prompt.AskedPrompt;
import io.tracemill.udf.prompt.SqlCells;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;

/**
 * Turns rows of an {@link InputTable} into work for a feeder.
 *
 * @param form what the rows ask with
 * @param generation how they are generated, where they do not say otherwise
 * @param parameterColumns carried columns that hold a row's own settings
 * @param deepestWindowTokens newest queries that engines were opened to keep
 */
public record PromptReader(
    PromptForm form,
    GenerationSettings generation,
    Map<RowParameter, String> parameterColumns,
    int deepestWindowTokens)
    implements Serializable {
  private static final ObjectMapper JSON = new ObjectMapper();

  public PromptReader {
    parameterColumns = Map.copyOf(parameterColumns);
  }

  /**
   * A row as it came, with its prompt as text.
   *
   * @param rowKey the key
   * @param prompt the text, or the conversation as JSON; empty where the row has none
   * @param input the carried columns; empty where there are none
   * @param generation how it is generated, its own settings included
   * @param requestHash what it asks for, see {@link RequestIdentity}
   */
  public record PromptRow(
      String rowKey,
      Optional<String> prompt,
      Optional<Row> input,
      GenerationSettings generation,
      String requestHash) {}

  /** What the row asks for. */
  public RequestIdentity identity(Row row) {
    return identity(asked(row, input(row)));
  }

  private static RequestIdentity identity(Asked asked) {
    return RequestIdentity.of(asked.text(), asked.problem(), asked.generation());
  }

  /** One piece of work for each sample of the row. */
  public List<Work<PromptRow>> work(Row row) {
    String key = row.getString(row.fieldIndex(InputTable.ROW_KEY));
    Optional<Row> input = input(row);
    Asked asked = asked(row, input);
    PromptRow kept =
        new PromptRow(key, asked.text(), input, asked.generation(), identity(asked).hash());
    List<Work<PromptRow>> work = new ArrayList<>(asked.generation().samples());
    for (int sample = 0; sample < asked.generation().samples(); sample++) {
      work.add(
          asked.prompt().isPresent()
              ? new Work.Wanted<>(
                  kept,
                  asked.generation().request(key, sample, asked.prompt().get()),
                  // Java's characters, the row's copy and the tokens: about eight bytes each.
                  64 + 8L * asked.text().map(String::length).orElse(0))
              : new Work.Refused<>(
                  kept,
                  key,
                  sample,
                  asked.generation().kvPolicy(),
                  new RowError(asked.code(), asked.problem())));
    }
    return work;
  }

  /** The prompt of rows of an input as text, in the form in which the traces have it. */
  public Column textColumn() {
    if (form == PromptForm.TEXT) {
      return col(InputTable.PROMPT);
    }
    UDF1<Row, String> text = row -> asked(row, Optional.empty()).text().orElse(null);
    return udf(text, DataTypes.StringType)
        .apply(struct(col(InputTable.PROBLEM), col(InputTable.PROMPT)));
  }

  /** Either a prompt or a problem. */
  private record Asked(
      Optional<Prompt> prompt,
      Optional<String> text,
      ErrorCode code,
      String problem,
      GenerationSettings generation) {
    static Asked of(AskedPrompt asked) {
      return new Asked(
          asked.prompt(), asked.text(), ErrorCode.INVALID_PROMPT, asked.problem(), null);
    }

    static Asked refused(Optional<String> text, String problem) {
      return new Asked(Optional.empty(), text, ErrorCode.INVALID_PROMPT, problem, null);
    }

    Asked with(GenerationSettings settings) {
      return new Asked(prompt, text, code, problem, settings);
    }

    Asked badSetting(String sentence) {
      return new Asked(Optional.empty(), text, ErrorCode.INVALID_ARGUMENT, sentence, generation);
    }
  }

  private Asked asked(Row row, Optional<Row> input) {
    int at = row.fieldIndex(InputTable.PROMPT);
    String problem = row.getString(row.fieldIndex(InputTable.PROBLEM));
    if (form == PromptForm.OPENAI_REQUEST) {
      return problem == null && !row.isNullAt(at)
          ? request(row.getString(at))
          : Asked.refused(Optional.empty(), problem == null ? "The request is null." : problem)
              .with(generation);
    }
    Asked asked =
        row.isNullAt(at)
            ? Asked.refused(Optional.empty(), "The %s null.".formatted(subject()))
            : Asked.of(
                form == PromptForm.TEXT
                    ? AskedPrompt.ofText(row.getString(at))
                    : AskedPrompt.ofCells(row.getList(at)));
    if (problem != null) {
      asked = Asked.refused(asked.text(), problem);
    }
    return settled(asked.with(generation), own(input));
  }

  private Asked request(String line) {
    try {
      OpenAiRequest request = OpenAiRequest.parse(line);
      return settled(
          Asked.of(AskedPrompt.ofTurns(request.messages())).with(generation), request.own());
    } catch (BadRowException e) {
      return Asked.refused(Optional.empty(), e.getMessage()).with(generation);
    }
  }

  private Asked settled(Asked asked, Map<RowParameter, Object> own) {
    try {
      return asked.with(RowSettings.of(generation, own, deepestWindowTokens));
    } catch (BadRowException e) {
      return asked.problem().isEmpty() ? asked.badSetting(e.getMessage()) : asked;
    }
  }

  private Map<RowParameter, Object> own(Optional<Row> input) {
    Map<RowParameter, Object> own = new EnumMap<>(RowParameter.class);
    parameterColumns.forEach(
        (parameter, column) ->
            input.ifPresent(
                row -> {
                  Object value = row.get(row.fieldIndex(column));
                  own.put(parameter, SqlCells.plain(value));
                }));
    return own;
  }

  private String subject() {
    return form == PromptForm.TEXT ? "prompt is" : "messages are";
  }

  /**
   * The conversation that {@link PromptRow#prompt} holds as JSON.
   *
   * @throws IllegalArgumentException where it is none
   */
  public static Prompt conversation(String json) {
    try {
      return AskedPrompt.ofTurns(
              JSON.readValue(json, new TypeReference<List<Map<String, Object>>>() {}))
          .prompt()
          .orElseThrow(() -> new IllegalArgumentException("no conversation of turns"));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static Optional<Row> input(Row row) {
    String[] names = row.schema().fieldNames();
    int last = names.length - 1;
    return names[last].equals(InputTable.INPUT)
        ? Optional.ofNullable(row.getStruct(last))
        : Optional.empty();
  }
}
