package io.tracemill.job.input;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.api.RowError;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.Work;
import java.io.Serializable;
import java.util.ArrayList;
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
 * @param generation how they are generated
 */
public record PromptReader(PromptForm form, GenerationSettings generation) implements Serializable {

  /**
   * A row as it came, with its prompt as text.
   *
   * @param rowKey the key
   * @param prompt the text, or the conversation as JSON; empty where the row has none
   * @param input the carried columns; empty where there are none
   */
  public record PromptRow(String rowKey, Optional<String> prompt, Optional<Row> input) {}

  /** One piece of work for each sample of the row. */
  public List<Work<PromptRow>> work(Row row) {
    String key = row.getString(row.fieldIndex(InputTable.ROW_KEY));
    Asked asked = asked(row);
    int inputAt = inputIndex(row);
    PromptRow kept =
        new PromptRow(
            key,
            asked.text(),
            inputAt < 0 ? Optional.empty() : Optional.ofNullable(row.getStruct(inputAt)));
    List<Work<PromptRow>> work = new ArrayList<>(generation.samples());
    for (int sample = 0; sample < generation.samples(); sample++) {
      work.add(
          asked.prompt().isPresent()
              ? new Work.Wanted<>(
                  kept,
                  generation.request(key, sample, asked.prompt().get()),
                  // Java's characters, the row's copy and the tokens: about eight bytes each.
                  64 + 8L * asked.text().map(String::length).orElse(0))
              : new Work.Refused<>(
                  kept,
                  key,
                  sample,
                  generation.kvPolicy(),
                  new RowError(ErrorCode.INVALID_PROMPT, asked.problem())));
    }
    return work;
  }

  /** Either a prompt or a problem. */
  private record Asked(Optional<Prompt> prompt, Optional<String> text, String problem) {
    static Asked refused(Optional<String> text, String problem) {
      return new Asked(Optional.empty(), text, problem);
    }
  }

  private Asked asked(Row row) {
    int at = row.fieldIndex(InputTable.PROMPT);
    String problem = row.getString(row.fieldIndex(InputTable.PROBLEM));
    Asked asked =
        row.isNullAt(at)
            ? Asked.refused(Optional.empty(), "The %s null.".formatted(subject()))
            : form == PromptForm.TEXT ? text(row.getString(at)) : messages(row.getList(at));
    return problem == null ? asked : Asked.refused(asked.text(), problem);
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
        : new Asked(Optional.of(new Prompt.Text(text)), kept, "");
  }

  private static Asked messages(List<Row> turns) {
    List<ChatMessage> messages = new ArrayList<>();
    List<Map<String, Object>> json = new ArrayList<>();
    String problem = turns.isEmpty() ? "The messages are an empty list." : "";
    for (int i = 0; i < turns.size(); i++) {
      Row turn = turns.get(i);
      if (turn == null) {
        problem = "Message %d is null.".formatted(i + 1);
        continue;
      }
      Map<String, Object> fields = fields(turn);
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
        ? new Asked(Optional.of(new Prompt.Messages(messages)), text, "")
        : Asked.refused(text, problem);
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

  private static final ObjectMapper JSON = new ObjectMapper();

  private static int inputIndex(Row row) {
    String[] names = row.schema().fieldNames();
    return names[names.length - 1].equals(InputTable.INPUT) ? names.length - 1 : -1;
  }
}
