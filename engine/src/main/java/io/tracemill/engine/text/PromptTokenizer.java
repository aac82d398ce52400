package io.tracemill.engine.text;

import io.tracemill.engine.api.ChatMessage;
import io.tracemill.engine.api.Prompt;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Makes token ids of prompts: renders the chat template, encodes, and keeps what the caller wrote
 * apart from what the template wrote.
 *
 * <p>Threads: may be shared. Ownership: the tokenizer stays its owner's.
 */
public final class PromptTokenizer {
  /**
   * What becomes of the text of a special token, such as {@code <|im_end|>}, in a prompt or
   * message.
   */
  public enum SpecialTokensInInput {
    /** It is encoded as the plain text it is. */
    PLAIN_TEXT,
    /** It becomes the special token it names. */
    PARSED
  }

  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final Path modelDirectory;
  private final ChatOptions options;
  private final SpecialTokensInInput specialTokens;

  private PromptTokenizer(
      Tokenizer tokenizer,
      Optional<ChatTemplate> template,
      Path modelDirectory,
      ChatOptions options,
      SpecialTokensInInput specialTokens) {
    this.tokenizer = tokenizer;
    this.template = template;
    this.modelDirectory = modelDirectory;
    this.options = Objects.requireNonNull(options, "options");
    this.specialTokens = Objects.requireNonNull(specialTokens, "specialTokens");
  }

  /** With the chat template of a model directory, if it has one. */
  public static PromptTokenizer load(
      Path modelDirectory,
      Tokenizer tokenizer,
      ChatOptions options,
      SpecialTokensInInput specialTokens) {
    return new PromptTokenizer(
        tokenizer, ChatTemplate.find(modelDirectory), modelDirectory, options, specialTokens);
  }

  /** The chat template, if the model has one. */
  public Optional<ChatTemplate> template() {
    return template;
  }

  /**
   * Encodes one prompt: a text as one user turn where the model has a chat template, else as it is
   * behind the tokenizer's BOS; messages through the template; token ids as they are.
   *
   * @throws io.tracemill.engine.error.ReasoningException with code {@code INVALID_PROMPT} if this
   *     prompt cannot be used, with another code if no prompt of its kind can
   */
  public EncodedPrompt encode(Prompt prompt) {
    if (prompt instanceof Prompt.Messages messages) {
      return encodeChat(messages.messages());
    }
    if (prompt instanceof Prompt.Text text) {
      if (text.text().isBlank()) {
        throw TextErrors.invalidPrompt("the prompt is empty or blank; give it some text");
      }
      return template.isPresent()
          ? encodeChat(List.of(ChatMessage.user(text.text())))
          : encodePlain(text.text());
    }
    return encodeIds(((Prompt.Tokens) prompt).ids());
  }

  /** Renders and encodes a conversation. */
  public EncodedPrompt encodeChat(List<ChatMessage> messages) {
    ChatTemplate chat = template.orElseThrow(() -> TextErrors.noTemplate(modelDirectory));
    if (messages.isEmpty()) {
      throw TextErrors.noMessages();
    }
    if (messages.stream()
        .allMatch(message -> message.content().isBlank() && message.extra().isEmpty())) {
      throw TextErrors.invalidPrompt(
          "the messages are all empty or blank; give at least one some text");
    }
    return encoded(chat.render(messages, options), new int[0]);
  }

  /** Encodes a text without a template, behind the BOS token if the tokenizer asks for one. */
  public EncodedPrompt encodePlain(String text) {
    return encoded(Text.of(text, Origin.INPUT), tokenizer.bosIds());
  }

  private EncodedPrompt encoded(Text text, int[] before) {
    int[] ids =
        specialTokens == SpecialTokensInInput.PARSED
            ? tokenizer.encode(text.value())
            : tokenizer.encode(text);
    if (ids.length == 0) {
      throw TextErrors.invalidPrompt("the prompt has no tokens; give it some text");
    }
    int[] all = Arrays.copyOf(before, before.length + ids.length);
    System.arraycopy(ids, 0, all, before.length, ids.length);
    return new EncodedPrompt(text.value(), all);
  }

  private EncodedPrompt encodeIds(List<Integer> ids) {
    if (ids.isEmpty()) {
      throw TextErrors.invalidPrompt("the prompt has no token ids; give at least one");
    }
    int[] all = ids.stream().mapToInt(Integer::intValue).toArray();
    for (int id : all) {
      if (id < 0) {
        throw TextErrors.invalidPrompt(
            "the prompt holds the token id " + id + ", which is negative");
      }
    }
    return new EncodedPrompt(tokenizer.decode(all), all);
  }
}
