package io.tracemill.engine.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.tracemill.engine.text.jinja.Origin;
import io.tracemill.engine.text.jinja.Text;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The tokenizer of one model: text to ids and back, never truncated, never padded, never with
 * tokens that the text does not hold.
 *
 * <p>Threads: all methods may be called from many threads at once. Ownership: whoever loads it
 * closes it, when no other thread uses it any more.
 */
public final class Tokenizer implements AutoCloseable {
  private final HuggingFaceTokenizer encoder;
  private final TokenizerFile file;
  private final SpecialTokenScanner scanner;
  private final Map<String, AddedToken> byContent = new HashMap<>();
  private final int[] bosIds;
  private LiteralEncoder literal;

  private Tokenizer(HuggingFaceTokenizer encoder, TokenizerFile file, TokenizerConfig config) {
    this.encoder = encoder;
    this.file = file;
    this.scanner = new SpecialTokenScanner(file.addedTokens());
    file.addedTokens().forEach(token -> byContent.put(token.content(), token));
    this.bosIds = bosIds(config);
  }

  /**
   * Loads {@code tokenizer.json} and, if there, {@code tokenizer_config.json} of a model directory.
   *
   * @throws io.tracemill.engine.error.ReasoningException if a file is missing or damaged, or the
   *     native library does not run on this machine
   */
  public static Tokenizer load(Path modelDirectory) {
    TokenizerFile file = TokenizerFile.read(modelDirectory.resolve("tokenizer.json"));
    TokenizerConfig config = TokenizerConfig.read(modelDirectory);
    return new Tokenizer(NativeTokenizers.create(file.content(), file.path()), file, config);
  }

  /**
   * What the tokenizer's own rules put before a plain text; the configuration's {@code
   * add_bos_token} wins.
   */
  private int[] bosIds(TokenizerConfig config) {
    if (config.addsBos().isPresent()) {
      if (!config.addsBos().get()) {
        return new int[0];
      }
      Optional<AddedToken> bos = config.token("bos_token").map(byContent::get);
      if (bos.isPresent()) {
        return new int[] {bos.get().id()};
      }
    }
    int[] plain = toInts(encoder.encode("a", false, false).getIds());
    int[] full = toInts(encoder.encode("a", true, false).getIds());
    for (int prefix = 0; prefix + plain.length <= full.length; prefix++) {
      if (Arrays.equals(plain, Arrays.copyOfRange(full, prefix, prefix + plain.length))) {
        return Arrays.copyOf(full, prefix);
      }
    }
    return new int[0];
  }

  /** The ids of a text in which written-out special tokens are parsed; nothing is added. */
  public int[] encode(String text) {
    UnicodeChecks.requireCharacters(text, "the text");
    return toInts(encoder.encode(text, false, false).getIds());
  }

  /**
   * The ids of a text that knows who wrote it: special tokens in the caller's parts are encoded as
   * ordinary text. If there are none, the ids are those of {@link #encode(String)}.
   */
  public int[] encode(Text text) {
    UnicodeChecks.requireCharacters(text.value(), "the prompt");
    if (text.holds(Origin.INPUT) || text.holds(Origin.MODEL)) {
      SpecialTokenScanner.Scan scan = scanner.scan(text);
      if (scan.firstPlain() != null) {
        return literal().encode(text.value(), scan);
      }
    }
    return toInts(encoder.encode(text.value(), false, false).getIds());
  }

  private synchronized LiteralEncoder literal() {
    // Loaded when first needed: it takes about a second and as much memory as the tokenizer itself.
    if (literal == null) {
      literal = new LiteralEncoder(file);
    }
    return literal;
  }

  /**
   * What goes before a plain prompt that no chat template renders; empty for most reasoning models.
   */
  public int[] bosIds() {
    return bosIds.clone();
  }

  /**
   * The text of some ids; special tokens are written out. Bytes that are no UTF-8 become U+FFFD.
   */
  public String decode(int[] ids) {
    return encoder.decode(Arrays.stream(ids).asLongStream().toArray(), false);
  }

  String decode(long[] ids) {
    return encoder.decode(ids, false);
  }

  /** The tokens that the tokenizer finds before anything else, in the order of the file. */
  public List<AddedToken> addedTokens() {
    return file.addedTokens();
  }

  /** The id of an added token such as {@code <|im_end|>}. */
  public OptionalInt addedTokenId(String content) {
    AddedToken token = byContent.get(content);
    return token == null ? OptionalInt.empty() : OptionalInt.of(token.id());
  }

  private static int[] toInts(long[] ids) {
    int[] ints = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      ints[i] = Math.toIntExact(ids[i]);
    }
    return ints;
  }

  @Override
  public synchronized void close() {
    encoder.close();
    if (literal != null) {
      literal.close();
    }
  }
}
