package io.tracemill.engine.text;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.jinja.JinjaException;
import java.nio.file.Path;

/** Every error of this package, so that its messages can be reviewed together. */
final class TextErrors {
  private TextErrors() {}

  static ReasoningException missingFile(Path file, String purpose) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        file
            + " does not exist; a model directory needs it for "
            + purpose
            + ", copy it from the checkpoint");
  }

  static ReasoningException unreadable(Path file, Exception cause) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        file
            + " cannot be read ("
            + firstLine(cause)
            + "); check that the checkpoint was copied completely",
        cause);
  }

  static ReasoningException invalidField(Path file, String field, String wanted) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        file
            + " has a field '"
            + field
            + "' that is not "
            + wanted
            + "; take the file from the checkpoint again");
  }

  static ReasoningException unsupportedTokenizer(Path file, Throwable cause) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        file
            + " is not a tokenizer that can be loaded ("
            + firstLine(cause)
            + "); take it from the checkpoint again",
        cause);
  }

  static ReasoningException nativeLibrary(String advice, Throwable cause) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        "the native tokenizer library cannot be loaded (" + firstLine(cause) + "); " + advice,
        cause);
  }

  static ReasoningException noCacheFolder(Path folder, Exception cause) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        "the native tokenizer library can be unpacked neither to "
            + folder
            + " nor to the temporary directory; name a writable folder with -D"
            + NativeTokenizers.CACHE_PROPERTY
            + "=FOLDER",
        cause);
  }

  static ReasoningException onlineMode(String variable) {
    return new ReasoningException(
        ErrorCode.INVALID_TOKENIZER,
        "the environment variable "
            + variable
            + " would let the tokenizer library use the network; unset it or set it to true");
  }

  static ReasoningException noTemplate(Path directory) {
    return new ReasoningException(
        ErrorCode.INVALID_TEMPLATE,
        directory
            + " has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); give plain"
            + " prompts instead of messages, or add the template of the model");
  }

  static ReasoningException noDefaultTemplate(String source, Iterable<String> names) {
    return new ReasoningException(
        ErrorCode.INVALID_TEMPLATE,
        source
            + " names the chat templates "
            + String.join(", ", names)
            + ", but none of them is 'default'; name one");
  }

  static ReasoningException invalidTemplate(String source, JinjaException cause) {
    return new ReasoningException(
        ErrorCode.INVALID_TEMPLATE,
        "the chat template in " + source + " cannot be used: " + cause.getMessage(),
        cause);
  }

  static ReasoningException templateRefused(JinjaException cause) {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        "the chat template refused the messages: " + cause.reason(),
        cause);
  }

  static ReasoningException renderFailed(JinjaException cause) {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        "the chat template failed on these messages: "
            + cause.getMessage()
            + "; check their roles and fields",
        cause);
  }

  static ReasoningException reservedVariable(String name) {
    return new ReasoningException(
        ErrorCode.INVALID_ARGUMENT,
        "the template variable '" + name + "' is set by the engine itself; choose another name");
  }

  static ReasoningException emptyStopString() {
    return new ReasoningException(
        ErrorCode.INVALID_ARGUMENT,
        "a stop string is empty and would end every output at once; remove it");
  }

  static ReasoningException noMessages() {
    return invalidPrompt("the conversation has no messages; give at least one");
  }

  static ReasoningException invalidPrompt(String reason) {
    return new ReasoningException(ErrorCode.INVALID_PROMPT, reason);
  }

  static ReasoningException loneSurrogate(String where, int offset, char unit) {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        String.format(
            "%s holds half of a surrogate pair (U+%04X) at offset %d, which is no character; repair the text",
            where, (int) unit, offset));
  }

  static ReasoningException cannotKeepPlain(String token) {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        "the prompt holds the special token "
            + token
            + " and this tokenizer has no way to encode it as plain text;"
            + " remove it, or choose to have special tokens in prompts parsed");
  }

  static ReasoningException reservedCharacters() {
    return new ReasoningException(
        ErrorCode.INVALID_PROMPT,
        "the prompt holds both a special token and one of the noncharacters U+FDD0 to U+FDEF; remove the latter");
  }

  private static String firstLine(Throwable cause) {
    String message = String.valueOf(cause.getMessage()).strip();
    int end = message.indexOf('\n');
    String line = end < 0 ? message : message.substring(0, end).strip();
    return line.length() <= 300 ? line : line.substring(0, 300) + "...";
  }
}
