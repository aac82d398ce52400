package io.tracemill.engine.text;

import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.text.jinja.JinjaException;
import io.tracemill.engine.text.jinja.JinjaTemplate;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A model's chat template: messages to the text that the model was trained on.
 *
 * <p>Strings of messages, tools and variables are data and never template source. Threads:
 * immutable, may be shared.
 */
public final class ChatTemplate {
  private static final String TOOL_TEMPLATE = "tool_use";
  private static final Set<String> RESERVED =
      Set.of("messages", "tools", "documents", "add_generation_prompt");

  private final Map<String, JinjaTemplate> templates;
  private final Map<String, String> specialTokens;
  private final Clock clock;

  private ChatTemplate(
      Map<String, JinjaTemplate> templates, Map<String, String> specialTokens, Clock clock) {
    this.templates = templates;
    this.specialTokens = specialTokens;
    this.clock = clock;
  }

  /**
   * The template of a model directory: {@code chat_template.jinja} if it is there, else {@code
   * chat_template} of {@code tokenizer_config.json}; empty if there is neither.
   *
   * @throws io.tracemill.engine.error.ReasoningException if a file is damaged, or a template uses
   *     what is not supported
   */
  public static Optional<ChatTemplate> find(Path modelDirectory) {
    TokenizerConfig config = TokenizerConfig.read(modelDirectory);
    Path file = modelDirectory.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      try {
        Map<String, String> sources =
            Map.of(TokenizerConfig.DEFAULT_TEMPLATE, Files.readString(file));
        return Optional.of(compile(sources, config.specialTokens(), file.toString()));
      } catch (IOException e) {
        throw TextErrors.unreadable(file, e);
      }
    }
    if (config.chatTemplates().isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        compile(config.chatTemplates(), config.specialTokens(), config.path().toString()));
  }

  /** Like {@link #find}, but fails if the directory has no template. */
  public static ChatTemplate load(Path modelDirectory) {
    return find(modelDirectory).orElseThrow(() -> TextErrors.noTemplate(modelDirectory));
  }

  /**
   * A template from its source.
   *
   * @param specialTokens names such as {@code bos_token} and the texts they stand for
   */
  public static ChatTemplate of(String source, Map<String, String> specialTokens) {
    return compile(
        Map.of(TokenizerConfig.DEFAULT_TEMPLATE, source), specialTokens, "the given text");
  }

  private static ChatTemplate compile(
      Map<String, String> sources, Map<String, String> specialTokens, String origin) {
    if (!sources.containsKey(TokenizerConfig.DEFAULT_TEMPLATE)) {
      throw TextErrors.noDefaultTemplate(origin, new TreeSet<>(sources.keySet()));
    }
    Map<String, JinjaTemplate> compiled = new HashMap<>();
    sources.forEach(
        (name, source) -> {
          // Others are chosen by name in other software; one that is broken must not stop this one.
          if (name.equals(TokenizerConfig.DEFAULT_TEMPLATE) || name.equals(TOOL_TEMPLATE)) {
            try {
              compiled.put(name, JinjaTemplate.compile(source));
            } catch (JinjaException e) {
              throw TextErrors.invalidTemplate(origin, e);
            }
          }
        });
    return new ChatTemplate(compiled, Map.copyOf(specialTokens), Clock.systemDefaultZone());
  }

  /**
   * This template with another clock for templates that write the date; the default is the
   * system's.
   */
  public ChatTemplate withClock(Clock newClock) {
    return new ChatTemplate(templates, specialTokens, newClock);
  }

  /**
   * Renders a conversation.
   *
   * @return the prompt; every character knows whether the template or the messages brought it
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_PROMPT} if the
   *     template refuses the messages or fails on them, or a string holds a lone surrogate
   */
  public Text render(List<ChatMessage> messages, ChatOptions options) {
    if (messages.isEmpty()) {
      throw TextErrors.noMessages();
    }
    Map<String, Object> variables = new LinkedHashMap<>(specialTokens);
    options.variables().forEach((name, value) -> putVariable(variables, name, value));
    variables.put("messages", MessageTexts.of(messages));
    variables.put(
        "tools",
        options.tools().isEmpty()
            ? null
            : MessageTexts.marked(options.tools(), Origin.INPUT, "a tool"));
    variables.put("documents", null);
    variables.put(
        "add_generation_prompt", options.ending() == ChatOptions.Ending.GENERATION_PROMPT);
    boolean useTools = !options.tools().isEmpty() && templates.containsKey(TOOL_TEMPLATE);
    try {
      return templates
          .get(useTools ? TOOL_TEMPLATE : TokenizerConfig.DEFAULT_TEMPLATE)
          .render(variables, clock);
    } catch (JinjaException e) {
      throw e.kind() == JinjaException.Kind.RAISED
          ? TextErrors.templateRefused(e)
          : TextErrors.renderFailed(e);
    }
  }

  private static void putVariable(Map<String, Object> variables, String name, Object value) {
    if (RESERVED.contains(name)) {
      throw TextErrors.reservedVariable(name);
    }
    variables.put(name, MessageTexts.marked(value, Origin.INPUT, "the variable '" + name + "'"));
  }
}
