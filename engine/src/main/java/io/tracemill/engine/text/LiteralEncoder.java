package io.tracemill.engine.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Encodes prompts in which the caller wrote the text of a special token, so that this text stays
 * text.
 *
 * <p>A second native tokenizer knows every added token under another name made of noncharacters.
 * Where the template wrote a token, its other name is put; what the caller wrote is found by
 * nobody. One call still sees the whole prompt, so normalisation, pre-tokenisation and merges are
 * exactly those of the model's own tokenizer.
 */
final class LiteralEncoder implements AutoCloseable {
  private static final char FIRST_NONCHARACTER = '\uFDD0';
  private static final char LAST_NONCHARACTER = '\uFDEF';
  private static final int NAME_DIGITS = 4;

  private final HuggingFaceTokenizer renamed;
  private final Map<String, String> names = new HashMap<>();
  private final Map<Integer, Integer> originalIds = new HashMap<>();
  private final Map<Integer, String> markers = new HashMap<>();

  LiteralEncoder(TokenizerFile file) {
    List<AddedToken> tokens = file.addedTokens();
    StringBuilder all = new StringBuilder();
    for (int i = 0; i < tokens.size(); i++) {
      String name = name(i);
      names.put(tokens.get(i).content(), name);
      all.append(name);
    }
    renamed = NativeTokenizers.create(file.renamed(names::get), file.path());
    long[] ids = renamed.encode(all.toString(), false, false).getIds();
    if (ids.length != tokens.size()) {
      throw new IllegalStateException(ids.length + " ids for " + tokens.size() + " renamed tokens");
    }
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i < ids.length; i++) {
      originalIds.put((int) ids[i], tokens.get(i).id());
      if (!seen.add((int) ids[i])) {
        throw new IllegalStateException("two renamed tokens share the id " + ids[i]);
      }
      if (tokens.get(i).isMarker()) {
        markers.put(tokens.get(i).id(), tokens.get(i).content());
      }
    }
  }

  private static String name(int index) {
    StringBuilder name = new StringBuilder().append(FIRST_NONCHARACTER);
    for (int digit = NAME_DIGITS - 1; digit >= 0; digit--) {
      name.append((char) (FIRST_NONCHARACTER + 1 + (index >> 4 * digit & 15)));
    }
    return name.append(LAST_NONCHARACTER).toString();
  }

  int[] encode(String text, SpecialTokenScanner.Scan scan) {
    if (text.chars().anyMatch(c -> c >= FIRST_NONCHARACTER && c <= LAST_NONCHARACTER)) {
      throw TextErrors.reservedCharacters();
    }
    StringBuilder substituted = new StringBuilder(text.length() + 64);
    int begin = 0;
    for (SpecialTokenScanner.Occurrence occurrence : scan.meant()) {
      substituted
          .append(text, begin, occurrence.begin())
          .append(names.get(occurrence.token().content()));
      begin = occurrence.end();
    }
    substituted.append(text, begin, text.length());
    long[] ids = renamed.encode(substituted.toString(), false, false).getIds();
    return Arrays.stream(ids).mapToInt(id -> original((int) id)).toArray();
  }

  private int original(int id) {
    Integer original = originalIds.get(id);
    if (original != null) {
      return original;
    }
    String marker = markers.get(id);
    if (marker != null) {
      // The token is part of the plain vocabulary as well, and the model's own rules lead to it.
      throw TextErrors.cannotKeepPlain(marker);
    }
    return id;
  }

  @Override
  public void close() {
    renamed.close();
  }
}
