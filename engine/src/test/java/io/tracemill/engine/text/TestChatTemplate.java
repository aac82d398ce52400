package io.tracemill.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestChatTemplate {
  private static final List<ChatMessage> HELLO = List.of(ChatMessage.user("hello"));

  @Test
  void rendersTheDemoModelsTurns() {
    Text text =
        ChatTemplate.load(RecordedModel.directory())
            .render(
                List.of(
                    ChatMessage.user("1 + 1"),
                    ChatMessage.of("assistant", "2"),
                    ChatMessage.user("2 + 2")),
                ChatOptions.DEFAULT);
    assertThat(text.value())
        .isEqualTo(
            "<|im_start|>user\n1 + 1<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n<|im_start|>user\n2 + 2<|im_end|>\n"
                + "<|im_start|>assistant\n<think>\n");
  }

  @Test
  void everyCharacterKnowsWhoWroteIt() {
    Text text =
        ChatTemplate.of(
                "<{{ messages[0].role }}> {{ messages[0].content|trim }} {{ messages[1].content }}",
                Map.of())
            .render(
                List.of(ChatMessage.user(" hi "), ChatMessage.of("assistant", "yes")),
                ChatOptions.DEFAULT);
    assertThat(text.value()).isEqualTo("<user> hi yes");
    assertThat(origins(text)).isEqualTo("TTTTTTTIITMMM");
  }

  @Test
  void originsSurviveStringOperations() {
    Map<String, String> expected =
        Map.of(
            "{{ c[1:3] }}", "II",
            "{{ (c ~ '!')[::-1] }}", "TIIII",
            "{{ c.split('b')|join('-') }}", "ITII",
            "{{ c|replace('b', 'XY') }}", "ITTII",
            "{{ c|upper }}{{ 'x' }}", "IIIIT",
            "{{ [c]|tojson }}", "TTIIIITT",
            "{{ 'a%sb' % c }}{{ '{}'.format(c) }}", "TIIIITIIII",
            "{% set x %}>{{ c }}{% endset %}{{ x.strip('d') }}", "TIII",
            "{% macro m(v) %}[{{ v }}]{% endmacro %}{{ m(c) }}", "TIIIIT",
            "{{ c|indent(1, true) }}{{ [c] }}", "TIIIITTIIIITT");
    expected.forEach(
        (source, origins) -> {
          String template = "{% set c = messages[0].content %}" + source;
          Text text =
              ChatTemplate.of(template, Map.of())
                  .render(List.of(ChatMessage.user("abcd")), ChatOptions.DEFAULT);
          assertThat(origins(text)).as("%s gives %s", source, text).isEqualTo(origins);
        });
  }

  private static String origins(Text text) {
    StringBuilder origins = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      origins.append(text.originAt(i).name().charAt(0));
    }
    return origins.toString();
  }

  @Test
  void textOfMessagesIsNeverEvaluated() {
    String attack = "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}{# c #}";
    ChatTemplate template =
        ChatTemplate.of(
            "{% set c = messages[0].content %}{{ c }}{{ c|trim ~ '' }}{{ '%s' % c }}", Map.of());
    assertThat(template.render(List.of(ChatMessage.user(attack)), ChatOptions.DEFAULT).value())
        .isEqualTo(attack.repeat(3));
  }

  @Test
  void specialTokensVariablesAndToolsReachTheTemplate(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"</s>\", \"pad_token\": null, \"chat_template\":"
            + " \"{{ bos_token }}{{ eos_token }}[{{ pad_token }}]{{ enable_thinking }}{{ tools|tojson }}{{ add_generation_prompt }}\"}");
    ChatOptions options =
        new ChatOptions(
            List.of(Map.of("name", "clock")),
            ChatOptions.Ending.LAST_MESSAGE,
            Map.of("enable_thinking", false));
    assertThat(ChatTemplate.load(folder).render(HELLO, options).value())
        .isEqualTo("<s></s>[]False[{\"name\": \"clock\"}]False");
    assertThat(ChatTemplate.load(folder).render(HELLO, ChatOptions.DEFAULT).value())
        .isEqualTo("<s></s>[]nullTrue");
  }

  @Test
  void theSpecialTokensMapFillsGaps(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("special_tokens_map.json"),
        "{\"bos_token\": \"<a>\", \"eos_token\": \"<b>\"}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"eos_token\": \"<c>\", \"chat_template\": \"{{ bos_token }}{{ eos_token }}\"}");
    assertThat(ChatTemplate.load(folder).render(HELLO, ChatOptions.DEFAULT).value())
        .isEqualTo("<a><c>");
  }

  @Test
  void aTemplateFileWinsOverTheConfiguration(@TempDir Path folder) throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"chat_template\": \"config\"}");
    Files.writeString(folder.resolve("chat_template.jinja"), "{{ bos_token }}file\n");
    assertThat(ChatTemplate.load(folder).render(HELLO, ChatOptions.DEFAULT).value())
        .isEqualTo("<s>file");
  }

  @Test
  void namedTemplatesAreChosenByUse(@TempDir Path folder) throws IOException {
    String templates =
        "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"}, {\"name\": \"tool_use\", \"template\":"
            + " \"tools\"}, {\"name\": \"rag\", \"template\": \"{% broken\"}]}";
    Files.writeString(folder.resolve("tokenizer_config.json"), templates);
    ChatTemplate template = ChatTemplate.load(folder);
    assertThat(template.render(HELLO, ChatOptions.DEFAULT).value()).isEqualTo("plain");
    assertThat(
            template.render(HELLO, ChatOptions.DEFAULT.withTools(List.of(Map.of("a", 1)))).value())
        .isEqualTo("tools");
    Files.writeString(
        folder.resolve("tokenizer_config.json"), templates.replace("\"default\"", "\"other\""));
    assertThatThrownBy(() -> ChatTemplate.load(folder))
        .hasMessageContaining("other, rag, tool_use")
        .hasMessageContaining("none of them is 'default'");
  }

  @Test
  void theClockCanBeSet() {
    Clock clock = Clock.fixed(Instant.parse("2024-07-26T23:00:00Z"), ZoneOffset.ofHours(2));
    assertThat(
            ChatTemplate.of("{{ strftime_now('%d %b %Y') }}", Map.of())
                .withClock(clock)
                .render(HELLO, ChatOptions.DEFAULT)
                .value())
        .isEqualTo("27 Jul 2024");
  }

  @Test
  void aRefusalOfTheTemplateReachesTheUserInItsOwnWords() {
    ChatTemplate template =
        ChatTemplate.of("{{ raise_exception('Roles must alternate!') }}", Map.of());
    assertThatThrownBy(() -> template.render(HELLO, ChatOptions.DEFAULT))
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PROMPT))
        .hasMessage("the chat template refused the messages: Roles must alternate!");
  }

  @Test
  void aFailureOnOneRowNamesTheLine() {
    ChatTemplate template = ChatTemplate.of("a\n{{ messages[0].tool_calls[0].name }}", Map.of());
    assertThatThrownBy(() -> template.render(HELLO, ChatOptions.DEFAULT))
        .isInstanceOfSatisfying(
            ReasoningException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PROMPT))
        .hasMessageContaining("'dict object' has no attribute 'tool_calls' (template line 2)");
  }

  @Test
  void anUnsupportedConstructIsRefusedWhenTheTemplateIsLoaded(@TempDir Path folder)
      throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), "a\nb{% include 'other.jinja' %}");
    assertThatThrownBy(() -> ChatTemplate.load(folder))
        .isInstanceOfSatisfying(
            ReasoningException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_TEMPLATE))
        .hasMessageContaining("chat_template.jinja")
        .hasMessageContaining("the tag 'include' is not supported (template line 2)");
  }

  @Test
  void aRunawayTemplateIsStopped() {
    assertThatThrownBy(
            () ->
                render(
                    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"))
        .hasMessageContaining("steps");
    assertThatThrownBy(() -> render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"))
        .hasMessageContaining("deep");
    assertThatThrownBy(() -> render("{{ 'x' * 999999999 }}"))
        .hasMessageContaining("a text of more than");
    assertThatThrownBy(() -> render("{{ [1] * 999999999 }}"))
        .hasMessageContaining("a list of more than");
    assertThatThrownBy(
            () -> render("{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}"))
        .hasMessageContaining("nested");
    assertThatThrownBy(() -> render("{% if 1 %}".repeat(500))).hasMessageContaining("nested");
    assertThatThrownBy(() -> render("{{ '%999999s' % 'x' * 1000 }}{{ 'x'.ljust(999999999) }}"))
        .hasMessageContaining("more than");
    assertThatThrownBy(
            () ->
                render(
                    "{% set n = namespace() %}{% set n.l = [] %}{% for i in range(20000) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}"))
        .hasMessageContaining("nested too deeply");
  }

  private static Text render(String source) {
    return ChatTemplate.of(source, Map.of()).render(HELLO, ChatOptions.DEFAULT);
  }

  @Test
  void reservedVariablesAndMissingTemplatesAreNamed(@TempDir Path folder) {
    ChatOptions options = ChatOptions.DEFAULT.withVariables(Map.of("messages", 1));
    assertThatThrownBy(() -> ChatTemplate.of("x", Map.of()).render(HELLO, options))
        .hasMessageContaining("'messages'");
    assertThat(ChatTemplate.find(folder)).isEmpty();
    assertThatThrownBy(() -> ChatTemplate.load(folder))
        .hasMessageContaining("has no chat template");
  }

  @Test
  void aLoneSurrogateIsFoundInAnyField() {
    ChatMessage message =
        new ChatMessage("user", "fine", Map.of("tool_calls", List.of(Map.of("name", "x\uD800"))));
    assertThatThrownBy(
            () ->
                ChatTemplate.of("x", Map.of())
                    .render(List.of(ChatMessage.user("a"), message), ChatOptions.DEFAULT))
        .hasMessageContaining("the field 'tool_calls' of message 2")
        .hasMessageContaining("offset 1");
  }

  @Test
  void rolesCountAsTheTemplatesOnlyIfTheyAreNames() {
    Text text =
        ChatTemplate.of("{{ messages[0].role }}", Map.of())
            .render(List.of(ChatMessage.of("a<|im_end|>", "x")), ChatOptions.DEFAULT);
    assertThat(text.holds(Origin.INPUT)).isTrue();
  }
}
