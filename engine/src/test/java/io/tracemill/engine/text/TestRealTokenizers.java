package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.PromptTokenizer.SpecialTokensInInput;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs over the tokenizers and chat templates of published model families, which are not part of
 * this repository. The script {@code .ci/real_tokenizers} fetches them and records what Python's
 * jinja2 renders.
 */
class TestRealTokenizers {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The moment that the records were made for. */
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2025-03-07T09:05:02.012345Z"), ZoneOffset.UTC);

  /** In normal form C, since Qwen's tokenizers normalise. */
  private static final List<String> TEXTS =
      List.of(
          "Plain words, 1234567 digits and (3 * 13) = 39.\n\n  indented\ttab",
          "\u4F60\u597D\uFF0C\u4E16\u754C \u0416\u0443\u043A \u0627\u0644\u0639\u0631\u0628\u064A\u0629",
          "\uD83D\uDC69\u200D\uD83D\uDC67\u200D\uD83D\uDC66 \uD83C\uDDE9\uD83C\uDDEA e\u0300\u0323x",
          "\\frac{1}{2} \\boxed{42} don't I'LL 'quoted'",
          "a\u0000b\u0007c\u00A0d\u2028e",
          " ".repeat(70) + "x" + "\n".repeat(9));

  private static Path root;

  @BeforeAll
  static void findFolder() {
    String folder =
        System.getProperty("tracemill.real.tokenizers", System.getenv("TRACEMILL_REAL_TOKENIZERS"));
    Assumptions.assumeTrue(
        folder != null && !folder.isBlank(),
        "no real tokenizers: run .ci/real_tokenizers FOLDER, or set tracemill.real.tokenizers");
    root = Path.of(folder);
    assertThat(root).isDirectory();
  }

  private static List<Path> models(String file) throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.filter(entry -> Files.isRegularFile(entry.resolve(file))).sorted().toList();
    }
  }

  @TestFactory
  List<DynamicTest> templatesRenderAsJinjaDoes() throws IOException {
    List<DynamicTest> tests = new ArrayList<>();
    for (Path model : models("rendered.json")) {
      ChatTemplate template = ChatTemplate.load(model).withClock(CLOCK);
      for (JsonNode record : MAPPER.readTree(model.resolve("rendered.json").toFile())) {
        String name = model.getFileName() + ": " + record.get("name").asText();
        tests.add(DynamicTest.dynamicTest(name, () -> compare(template, record)));
      }
    }
    assertThat(tests).as("records under %s", root).isNotEmpty();
    return tests;
  }

  private static void compare(ChatTemplate template, JsonNode record) {
    List<ChatMessage> messages = messages(record.get("messages"));
    ChatOptions options = options(record.get("options"));
    if (record.has("output")) {
      assertThat(template.render(messages, options).value())
          .isEqualTo(record.get("output").asText());
      return;
    }
    ReasoningException error =
        catchThrowableOfType(ReasoningException.class, () -> template.render(messages, options));
    assertThat(error).as("jinja2 says %s", record.get("error")).isNotNull();
    String recorded = record.get("error").asText();
    if (recorded.startsWith("TemplateError: ")) {
      assertThat(error).hasMessageEndingWith(recorded.substring("TemplateError: ".length()));
    }
  }

  private static List<ChatMessage> messages(JsonNode nodes) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode node : nodes) {
      Map<String, Object> fields =
          MAPPER.convertValue(node, new TypeReference<LinkedHashMap<String, Object>>() {});
      String role = (String) fields.remove("role");
      String content = (String) fields.remove("content");
      messages.add(new ChatMessage(role, content, fields));
    }
    return messages;
  }

  private static ChatOptions options(JsonNode node) {
    Map<String, Object> variables =
        MAPPER.convertValue(node, new TypeReference<LinkedHashMap<String, Object>>() {});
    variables.remove("documents");
    variables.remove("tools");
    boolean generation = (Boolean) variables.remove("add_generation_prompt");
    List<Map<String, Object>> tools =
        node.get("tools").isNull()
            ? List.of()
            : MAPPER.convertValue(
                node.get("tools"), new TypeReference<List<Map<String, Object>>>() {});
    return new ChatOptions(
        tools,
        generation ? ChatOptions.Ending.GENERATION_PROMPT : ChatOptions.Ending.LAST_MESSAGE,
        variables);
  }

  @TestFactory
  List<DynamicTest> textsSurviveTheWayThereAndBack() throws IOException {
    return models("tokenizer.json").stream()
        .map(
            model ->
                DynamicTest.dynamicTest(model.getFileName().toString(), () -> roundTrip(model)))
        .toList();
  }

  private static void roundTrip(Path model) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.load(model)) {
      List<String> texts = new ArrayList<>(TEXTS);
      Path rendered = model.resolve("rendered.json");
      if (Files.isRegularFile(rendered)) {
        for (JsonNode record : MAPPER.readTree(rendered.toFile())) {
          texts.add(record.path("output").asText());
        }
      }
      for (String text : texts) {
        String expected = Normalizer.normalize(text, Normalizer.Form.NFC);
        int[] ids = tokenizer.encode(text);
        assertThat(Normalizer.normalize(tokenizer.decode(ids), Normalizer.Form.NFC))
            .isEqualTo(expected);
        IncrementalDecoder decoder = new IncrementalDecoder(tokenizer, SpecialTokenOutput.ALL);
        StringBuilder pieces = new StringBuilder();
        for (int id : ids) {
          pieces.append(decoder.append(id));
        }
        assertThat(pieces.append(decoder.finish())).hasToString(tokenizer.decode(ids));
      }
    }
  }

  @TestFactory
  List<DynamicTest> specialTokensOfUsersStayText() throws IOException {
    return models("tokenizer.json").stream()
        .map(
            model -> DynamicTest.dynamicTest(model.getFileName().toString(), () -> keepText(model)))
        .toList();
  }

  private static void keepText(Path model) {
    try (Tokenizer tokenizer = Tokenizer.load(model)) {
      List<AddedToken> markers =
          tokenizer.addedTokens().stream().filter(AddedToken::isMarker).toList();
      StringBuilder attack = new StringBuilder("Ignore ");
      markers.forEach(marker -> attack.append(marker.content()).append(" x"));
      int[] ids = tokenizer.encode(Text.of(attack.toString(), Origin.INPUT));
      assertThat(tokenizer.decode(ids)).isEqualTo(attack.toString());
      int[] markerIds = markers.stream().mapToInt(AddedToken::id).toArray();
      assertThat(ids).doesNotContain(markerIds);
      if (ChatTemplate.find(model).isEmpty()) {
        return;
      }
      PromptTokenizer prompts =
          PromptTokenizer.load(
              model, tokenizer, ChatOptions.DEFAULT, SpecialTokensInInput.PLAIN_TEXT);
      int[] harmless = prompts.encodeChat(List.of(ChatMessage.user("Ignore x"))).tokenIds();
      int[] attacked = prompts.encodeChat(List.of(ChatMessage.user(attack.toString()))).tokenIds();
      assertThat(only(attacked, markerIds)).isEqualTo(only(harmless, markerIds));
    }
  }

  private static int[] only(int[] ids, int[] wanted) {
    int[] sorted = wanted.clone();
    Arrays.sort(sorted);
    return Arrays.stream(ids).filter(id -> Arrays.binarySearch(sorted, id) >= 0).toArray();
  }

  @TestFactory
  List<DynamicTest> theRenamedTokenizerAgreesWithTheRealOne() throws IOException {
    return models("tokenizer.json").stream()
        .map(model -> DynamicTest.dynamicTest(model.getFileName().toString(), () -> agree(model)))
        .toList();
  }

  private static void agree(Path model) {
    try (Tokenizer tokenizer = Tokenizer.load(model);
        LiteralEncoder literal =
            new LiteralEncoder(TokenizerFile.read(model.resolve("tokenizer.json")))) {
      SpecialTokenScanner scanner = new SpecialTokenScanner(tokenizer.addedTokens());
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < tokenizer.addedTokens().size(); i++) {
        all.append(tokenizer.addedTokens().get(i).content()).append(TEXTS.get(i % TEXTS.size()));
      }
      Text text = Text.of(all.toString());
      assertThat(literal.encode(text.value(), scanner.scan(text)))
          .isEqualTo(tokenizer.encode(text.value()));
    }
  }
}
