package io.tracemill.engine.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.text.jinja.JinjaException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Replays what Python's jinja2, set up as Hugging Face does, made of our own template cases. The
 * records are written by {@code src/test/python/record_jinja.py}.
 */
class TestJinjaRecords {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(DeserializationFeature.USE_BIG_INTEGER_FOR_INTS);

  /** The moment that the records were made for. */
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2025-03-07T09:05:02.012345Z"), ZoneOffset.UTC);

  private static List<JsonNode> records() throws IOException {
    try (InputStream in = TestJinjaRecords.class.getResourceAsStream("text-jinja-records.json")) {
      List<JsonNode> records = new ArrayList<>();
      MAPPER.readTree(in).forEach(records::add);
      return records;
    }
  }

  @Test
  void thereAreManyRecords() throws IOException {
    assertThat(records()).hasSizeGreaterThan(250);
  }

  @TestFactory
  List<DynamicTest> everyRecordIsReproduced() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode record : records()) {
      tests.add(DynamicTest.dynamicTest(record.get("name").asText(), () -> replay(record)));
    }
    return tests;
  }

  /** Fails unless our engine gives what the record says. */
  static void replay(JsonNode record) {
    String source = record.get("template").asText();
    Map<String, Object> variables = MAPPER.convertValue(record.get("variables"), Map.class);
    if (record.has("output")) {
      assertThat(render(source, variables)).isEqualTo(record.get("output").asText());
    } else {
      JinjaException error =
          catchThrowableOfType(JinjaException.class, () -> render(source, variables));
      assertThat(error).as("it must fail").isNotNull();
      if (record.has("refused")) {
        assertThat(error).hasMessageContaining(record.get("refused").asText());
      } else {
        sameError(error, record.get("error").asText());
      }
    }
  }

  private static String render(String source, Map<String, Object> variables) {
    return JinjaTemplate.compile(source).render(variables, CLOCK).value();
  }

  /**
   * Errors agree in their stage, and in their words where a template's author or its user reads
   * them.
   */
  private static void sameError(JinjaException error, String recorded) {
    String type = recorded.substring(0, recorded.indexOf(':'));
    String message = recorded.substring(recorded.indexOf(':') + 2);
    switch (type) {
      case "TemplateError" -> {
        assertThat(error.kind()).isEqualTo(Kind.RAISED);
        assertThat(error.reason()).isEqualTo(message);
      }
      case "UndefinedError" -> {
        assertThat(error.kind()).isEqualTo(Kind.RUNTIME);
        assertThat(error.reason()).isEqualTo(message);
      }
      case "TemplateSyntaxError", "TemplateAssertionError", "SyntaxError" ->
          assertThat(error.kind()).isIn(Kind.SYNTAX, Kind.UNSUPPORTED);
      default -> assertThat(error.kind()).isIn(Kind.RUNTIME, Kind.LIMIT);
    }
    assertThat(error.line()).as("the line of %s", error.getMessage()).isPresent();
  }
}
