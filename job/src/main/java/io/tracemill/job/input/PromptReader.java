package io.tracemill.job.input;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.Work;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.Row;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Turns rows of an {@link InputTable} into work for a feeder.
 *
 * @param form what the rows ask with
 * @param generation how they are generated, where they do not say otherwise
 * @param parameterColumns carried columns that hold a row's own settings
 * @param deepestWindowTokens the widest selector window that engines were opened for
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

  /** Either a prompt or a problem. */
  private record Asked(
      Optional<Prompt> prompt,
      Optional<String> text,
      ErrorCode code,
      String problem,
      GenerationSettings generation) {
    static Asked of(Prompt prompt, Optional<String> text) {
      return new Asked(Optional.of(prompt), text, ErrorCode.INVALID_PROMPT, "", null);
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
            : form == PromptForm.TEXT ? text(row.getString(at)) : messages(turns(row.getList(at)));
    if (problem != null) {
      asked = Asked.refused(asked.text(), problem);
    }
    return settled(asked.with(generation), own(input));
  }

  private Asked request(String line) {
    try {
      OpenAiRequest request = OpenAiRequest.parse(line);
      return settled(messages(request.messages()).with(generation), request.own());
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
                  own.put(parameter, value == null ? null : plain(value));
                }));
    return own;
  }

  private String subject() {
    return form == PromptForm.TEXT ? "prompt is" : "messages are";
  }

  private static Asked text(String text) {
    Optional<String> kept = Optional.of(text);
    if (text.isEmpty()) {
      return Asked.refused(kept, "The prompt is empty.");
    }
    return text.isBlank()
        ? Asked.refused(kept, "The prompt holds nothing but white space.")
        : Asked.of(new Prompt.Text(text), kept);
  }

  private static List<Map<String, Object>> turns(List<Row> rows) {
    return rows.stream().map(row -> row == null ? null : fields(row)).toList();
  }

  /** A turn is a map of what it has; null where the list has a null in its place. */
  private static Asked messages(List<Map<String, Object>> turns) {
    List<ChatMessage> messages = new ArrayList<>();
    List<Map<String, Object>> json = new ArrayList<>();
    String problem = turns.isEmpty() ? "The messages are an empty list." : "";
    for (int i = 0; i < turns.size(); i++) {
      Map<String, Object> fields = turns.get(i);
      if (fields == null) {
        problem = "Message %d is null.".formatted(i + 1);
        continue;
      }
      json.add(fields);
      Map<String, Object> extra = new LinkedHashMap<>(fields);
      Object role = extra.remove("role");
      Object content = extra.remove("content");
      if (role == null || role.toString().isBlank()) {
        problem = "Message %d has no role.".formatted(i + 1);
      } else if (content == null && extra.isEmpty()) {
        problem = "Message %d has no content.".formatted(i + 1);
      } else {
        messages.add(
            new ChatMessage(role.toString(), content == null ? "" : content.toString(), extra));
      }
    }
    if (problem.isEmpty() && messages.stream().allMatch(message -> message.content().isBlank())) {
      problem = "The messages hold nothing but white space.";
    }
    Optional<String> text = Optional.of(toJson(json));
    return problem.isEmpty()
        ? Asked.of(new Prompt.Messages(messages), text)
        : Asked.refused(text, problem);
  }

  /**
   * The conversation that {@link PromptRow#prompt} holds as JSON.
   *
   * @throws IllegalArgumentException where it is none
   */
  public static Prompt conversation(String json) {
    try {
      return messages(JSON.readValue(json, new TypeReference<List<Map<String, Object>>>() {}))
          .prompt()
          .orElseThrow(() -> new IllegalArgumentException("no conversation of turns"));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no JSON: " + e.getOriginalMessage(), e);
    }
  }

  private static Map<String, Object> fields(Row turn) {
    Map<String, Object> fields = new LinkedHashMap<>();
    String[] names = turn.schema().fieldNames();
    for (int i = 0; i < names.length; i++) {
      // A field that this turn does not have is a null here and nothing to a template.
      if (!turn.isNullAt(i)) {
        fields.put(names[i], plain(turn.get(i)));
      }
    }
    return fields;
  }

  private static Object plain(Object value) {
    if (value instanceof Row row) {
      return fields(row);
    }
    if (value instanceof scala.collection.Seq<?> seq) {
      return CollectionConverters.asJava(seq).stream().map(PromptReader::plain).toList();
    }
    if (value instanceof scala.collection.Map<?, ?> map) {
      Map<String, Object> plain = new LinkedHashMap<>();
      CollectionConverters.asJava(map).forEach((k, v) -> plain.put(String.valueOf(k), plain(v)));
      return plain;
    }
    return value instanceof String || value instanceof Number || value instanceof Boolean
        ? value
        : String.valueOf(value);
  }

  private static String toJson(List<Map<String, Object>> turns) {
    try {
      return JSON.writeValueAsString(turns);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("maps of plain values are JSON", e);
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
