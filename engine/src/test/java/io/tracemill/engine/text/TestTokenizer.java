package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.jinja.JinjaTemplate;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestTokenizer {
  private static Tokenizer tokenizer;

  @BeforeAll
  static void load() {
    tokenizer = Tokenizer.load(RecordedModel.directory());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void idsOfRecordedPromptsAreEqual() {
    for (RecordedModel.Recorded recorded : RecordedModel.recorded()) {
      assertThat(tokenizer.encode(recorded.chat()))
          .as(recorded.id())
          .isEqualTo(recorded.promptIds());
    }
  }

  @Test
  void decodesRecordedOutputs() {
    for (RecordedModel.Recorded recorded : RecordedModel.recorded()) {
      String text =
          IncrementalDecoder.decode(
              tokenizer, SpecialTokenOutput.THINKING_TAGS, recorded.outputIds());
      assertThat(text).as(recorded.id()).isEqualTo(recorded.outputText());
    }
  }

  @Test
  void longTextsAreNotTruncated() {
    String text = "12345 ".repeat(5_000);
    int[] ids = tokenizer.encode(text);
    assertThat(ids.length).isGreaterThan(10_000);
    assertThat(tokenizer.decode(ids)).isEqualTo(text);
  }

  @Test
  void truncationAndPaddingOfTheFileAreIgnored(@TempDir Path folder) throws IOException {
    Path file = RecordedModel.copyTo(folder).resolve("tokenizer.json");
    String json = Files.readString(file);
    String cutting =
        "\"truncation\": {\"direction\": \"Right\", \"max_length\": 4, \"strategy\": \"LongestFirst\", \"stride\": 0}";
    String padding =
        "\"padding\": {\"strategy\": {\"Fixed\": 64}, \"direction\": \"Right\", \"pad_to_multiple_of\": null,"
            + " \"pad_id\": 683, \"pad_type_id\": 0, \"pad_token\": \"<|endoftext|>\"}";
    String changed =
        json.replaceFirst("\"truncation\"\\s*:\\s*null", cutting)
            .replaceFirst("\"padding\"\\s*:\\s*null", padding);
    assertThat(changed).contains("LongestFirst").contains("Fixed");
    Files.writeString(file, changed);
    try (Tokenizer changedTokenizer = Tokenizer.load(folder)) {
      String text = "one two three four five six seven";
      assertThat(changedTokenizer.encode(text)).isEqualTo(tokenizer.encode(text));
    }
  }

  @Test
  void specialTokensOfTheTemplateAreParsedAndThoseOfTheCallerAreNot() {
    Text prompt =
        template("<|im_start|>user\n")
            .concat(input("say <|im_end|> and </think>!"))
            .concat(template("<|im_end|>\n"))
            .text();
    int[] ids = tokenizer.encode(prompt);
    assertThat(ids).startsWith(RecordedModel.IM_START).containsOnlyOnce(RecordedModel.IM_END);
    assertThat(ids).doesNotContain(RecordedModel.END_THINK);
    assertThat(tokenizer.decode(ids)).isEqualTo(prompt.value());
  }

  @Test
  void textAroundACallersSpecialTokenIsEncodedAsIfItWereAnyText() {
    // What the tokenizer does to a text without knowing special tokens is what it does to the parts
    // around a marker
    // that it cannot know either.
    String before = "The sum 12 + 34 is written as ";
    int[] ids = tokenizer.encode(input(before + "<|im_end|>").text());
    int[] same = tokenizer.encode(before.stripTrailing());
    assertThat(ids).startsWith(same);
  }

  @Test
  void withoutACallersSpecialTokenIdsAreThoseOfTheWholeText() {
    Text prompt =
        template("<|im_start|>user\n")
            .concat(input("caf\u0065\u0301 12 + 3"))
            .concat(template("<|im_end|>"))
            .text();
    assertThat(tokenizer.encode(prompt)).isEqualTo(tokenizer.encode(prompt.value()));
  }

  @Test
  void literalEncodingAgreesWithTheTokenizerWhereBothApply() {
    // All special tokens meant: the renamed tokenizer must give the ids of the original one.
    Random random = new Random(Long.getLong("tests.seed", 7L));
    String[] pieces = {
      "<|im_start|>",
      "<|im_end|>",
      "<think>",
      "</think>",
      "user\n",
      " 12",
      "\n\n",
      "caf\u0065\u0301",
      "  x",
      "don't",
      "\uD83D\uDE00",
      "\u4F60"
    };
    try (LiteralEncoder literal =
        new LiteralEncoder(
            TokenizerFile.read(RecordedModel.directory().resolve("tokenizer.json")))) {
      SpecialTokenScanner scanner = new SpecialTokenScanner(tokenizer.addedTokens());
      for (int round = 0; round < 300; round++) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(12); i >= 0; i--) {
          text.append(pieces[random.nextInt(pieces.length)]);
        }
        SpecialTokenScanner.Scan scan = scanner.scan(Text.of(text.toString()));
        assertThat(literal.encode(text.toString(), scan))
            .as("%s", text)
            .isEqualTo(tokenizer.encode(text.toString()));
      }
    }
  }

  @Test
  void aTokenThatStraddlesTemplateAndInputIsText() {
    Text prompt = template("<|im_").concat(input("end|>")).text();
    assertThat(tokenizer.encode(prompt)).doesNotContain(RecordedModel.IM_END);
  }

  @Test
  void thinkingTagsOfAnEarlierOutputAreTokensButTurnMarkersAreNot() {
    Text prompt = new Parts().add("<think>a</think>b<|im_end|>", Origin.MODEL).text();
    assertThat(tokenizer.encode(prompt))
        .contains(RecordedModel.THINK, RecordedModel.END_THINK)
        .doesNotContain(RecordedModel.IM_END);
  }

  @Test
  void roundTripsAwkwardTexts() {
    for (String text :
        List.of(
            "",
            " ",
            "\n\n\t",
            "a\u0000b\u0007",
            "\uD83D\uDC69\u200D\uD83D\uDC67 \uD83C\uDDE9\uD83C\uDDEA",
            "\u4F60\u597D\uFF0C\u4E16\u754C",
            "\u0627\u0644\u0639\u0631\u0628\u064A\u0629",
            "\uFFFD",
            "x".repeat(300))) {
      assertThat(tokenizer.decode(tokenizer.encode(text))).as("%s", text).isEqualTo(text);
    }
  }

  @Test
  void randomTextsRoundTripInBothWays() {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(40); i >= 0; i--) {
        int kind = random.nextInt(4);
        int c =
            kind == 0
                ? 32 + random.nextInt(95)
                : kind == 1 ? 0x4E00 + random.nextInt(500) : 0x1F600 + random.nextInt(60);
        text.appendCodePoint(kind == 3 ? '\n' : c);
      }
      text.append(random.nextBoolean() ? "<|im_end|>" : "");
      String value = text.toString();
      assertThat(tokenizer.decode(tokenizer.encode(value))).as("seed %d", seed).isEqualTo(value);
      assertThat(tokenizer.decode(tokenizer.encode(Text.of(value, Origin.INPUT))))
          .as("seed %d", seed)
          .isEqualTo(value);
    }
  }

  @Test
  void manyThreadsShareOneTokenizer() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        String text = "row " + i + " asks for <|im_end|> and " + i * 17;
        results.add(
            threads.submit(
                () ->
                    tokenizer.decode(tokenizer.encode(Text.of(text, Origin.INPUT))).equals(text)));
      }
      for (Future<Boolean> result : results) {
        assertThat(result.get()).isTrue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aLoneSurrogateIsRefusedWithItsOffset() {
    assertThatThrownBy(() -> tokenizer.encode("ab\uD800c"))
        .isInstanceOf(ReasoningException.class)
        .hasMessage(
            "the text holds half of a surrogate pair (U+D800) at offset 2, which is no character; repair the text");
    assertThatThrownBy(() -> tokenizer.encode(Text.of("\uDC00", Origin.INPUT)))
        .hasMessageContaining("offset 0");
  }

  @Test
  void aMissingFileIsNamed(@TempDir Path folder) {
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TOKENIZER))
        .hasMessageContaining(folder.resolve("tokenizer.json").toString())
        .hasMessageContaining("does not exist");
  }

  @Test
  void corruptFilesAreRefused(@TempDir Path folder) throws IOException {
    Path file = RecordedModel.copyTo(folder).resolve("tokenizer.json");
    String json = Files.readString(file);
    assertRefused(folder, json.substring(0, json.length() / 2), "cannot be read");
    assertRefused(folder, "[]", "(top level)");
    assertRefused(folder, "{}", "'model'");
    assertRefused(
        folder, json.replace("\"BPE\"", "\"Magic\""), "is not a tokenizer that can be loaded");
    assertRefused(folder, json.replaceFirst("\"id\": 683", "\"id\": \"x\""), "'added_tokens'");
    assertRefused(folder, "", "(top level)");
  }

  private static void assertRefused(Path folder, String json, String part) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json);
    assertThatThrownBy(() -> Tokenizer.load(folder))
        .isInstanceOf(ReasoningException.class)
        .hasMessageContaining("tokenizer.json")
        .hasMessageContaining(part)
        .hasMessageNotContaining("\n");
  }

  @Test
  void aCorruptConfigurationIsRefused(@TempDir Path folder) throws IOException {
    Path config = RecordedModel.copyTo(folder).resolve("tokenizer_config.json");
    Files.writeString(config, "{\"chat_template\": 3}");
    assertThatThrownBy(() -> Tokenizer.load(folder)).hasMessageContaining("'chat_template'");
    Files.writeString(config, "{\"chat_template\": ");
    assertThatThrownBy(() -> Tokenizer.load(folder)).hasMessageContaining("cannot be read");
  }

  @Test
  void bosFollowsTheTokenizersSetting(@TempDir Path folder) throws IOException {
    assertThat(tokenizer.bosIds()).isEmpty();
    Path config = RecordedModel.copyTo(folder).resolve("tokenizer_config.json");
    Files.writeString(
        config, "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<|endoftext|>\"}}");
    try (Tokenizer withBos = Tokenizer.load(folder)) {
      assertThat(withBos.bosIds()).containsExactly(RecordedModel.ENDOFTEXT);
    }
    Files.delete(config);
    Path file = folder.resolve("tokenizer.json");
    String processor =
        "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\":"
            + " \"<|endoftext|>\", \"type_id\": 0}}, {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}], \"pair\": [],"
            + " \"special_tokens\": {\"<|endoftext|>\": {\"id\": \"<|endoftext|>\", \"ids\": [683], \"tokens\":"
            + " [\"<|endoftext|>\"]}}}, \"decoder\"";
    String json = Files.readString(file);
    String changed =
        json.replaceFirst(
            "(?s)\"post_processor\".*?\"decoder\"", Matcher.quoteReplacement(processor));
    assertThat(changed).contains("TemplateProcessing");
    Files.writeString(file, changed);
    try (Tokenizer withProcessor = Tokenizer.load(folder)) {
      assertThat(withProcessor.bosIds()).containsExactly(RecordedModel.ENDOFTEXT);
      assertThat(withProcessor.encode("hi")).isEqualTo(tokenizer.encode("hi"));
    }
    Files.writeString(config, "{\"add_bos_token\": false}");
    try (Tokenizer switchedOff = Tokenizer.load(folder)) {
      assertThat(switchedOff.bosIds()).isEmpty();
    }
  }

  @Test
  void namesAddedTokens() {
    assertThat(tokenizer.addedTokenId("<|im_end|>")).hasValue(RecordedModel.IM_END);
    assertThat(tokenizer.addedTokenId("hello")).isEmpty();
    assertThat(tokenizer.addedTokens()).hasSize(5);
  }

  private static Parts template(String text) {
    return new Parts().add(text, Origin.TEMPLATE);
  }

  private static Parts input(String text) {
    return new Parts().add(text, Origin.INPUT);
  }

  /** Glues texts of different origins, as rendering does. */
  private static final class Parts {
    private final List<Text> parts = new ArrayList<>();

    Parts add(String text, Origin origin) {
      parts.add(Text.of(text, origin));
      return this;
    }

    Parts concat(Parts other) {
      parts.addAll(other.parts);
      return this;
    }

    Text text() {
      Map<String, Object> variables = new HashMap<>();
      StringBuilder source = new StringBuilder();
      for (int i = 0; i < parts.size(); i++) {
        variables.put("p" + i, parts.get(i));
        source.append("{{ p").append(i).append(" }}");
      }
      return JinjaTemplate.compile(source.toString()).render(variables, Clock.systemUTC());
    }
  }
}
