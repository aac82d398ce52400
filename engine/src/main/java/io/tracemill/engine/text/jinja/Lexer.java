package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template's source into tokens, with {@code trim_blocks} and {@code lstrip_blocks} on, as
 * Hugging Face sets Jinja up: the newline after a block tag and the blanks before one on its line
 * vanish; {@code -} strips all white space on its side, {@code +} keeps it; one newline at the very
 * end of the source is dropped.
 */
final class Lexer {
  private static final Pattern RAW_BEGIN =
      Pattern.compile("\\{%([-+]?)\\s*raw\\s*(?:-%\\}\\s*|%\\})");
  private static final Pattern RAW_END =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;
  private boolean lineStarting = true;

  private Lexer(String source) {
    this.source = source;
  }

  /** The tokens of {@code source}, closed by one of kind END. */
  static List<Token> tokenize(String source) {
    String normalised = source.replace("\r\n", "\n").replace('\r', '\n');
    if (normalised.endsWith("\n")) {
      normalised = normalised.substring(0, normalised.length() - 1);
    }
    Lexer lexer = new Lexer(normalised);
    lexer.run();
    return lexer.tokens;
  }

  private void run() {
    while (position < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.DATA, source.substring(position));
        break;
      }
      char type = source.charAt(tag + 1);
      Matcher raw = RAW_BEGIN.matcher(source).region(tag, source.length());
      if (type == '%' && raw.lookingAt()) {
        addData(tag, raw.group(1), true);
        moveTo(raw.end());
        raw();
        continue;
      }
      String sign = signAt(tag + 2);
      addData(tag, sign, type != '{');
      moveTo(tag + 2 + sign.length());
      lineStarting = false;
      switch (type) {
        case '#' -> comment();
        case '%' -> expression(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
        default -> expression(Kind.VARIABLE_BEGIN, Kind.VARIABLE_END, "}}");
      }
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int at = source.indexOf('{', position); at >= 0; at = source.indexOf('{', at + 1)) {
      if (at + 1 < source.length() && "{%#".indexOf(source.charAt(at + 1)) >= 0) {
        return at;
      }
    }
    return -1;
  }

  private String signAt(int at) {
    char c = at < source.length() ? source.charAt(at) : ' ';
    return c == '-' || c == '+' ? String.valueOf(c) : "";
  }

  /** Adds the text from the current position up to a tag, stripped as the tag asks. */
  private void addData(int end, String sign, boolean mayStripBlanks) {
    int stop = end;
    if (sign.equals("-")) {
      while (stop > position && PythonText.isWhitespace(source.charAt(stop - 1))) {
        stop--;
      }
    } else if (sign.isEmpty() && mayStripBlanks) {
      int lineBegin = Math.max(source.lastIndexOf('\n', end - 1) + 1, position);
      boolean startsLine = lineBegin > position || lineStarting;
      if (startsLine && PythonText.isBlank(source, lineBegin, end)) {
        stop = lineBegin;
      }
    }
    if (stop > position) {
      add(Kind.DATA, source.substring(position, stop));
    }
  }

  private void raw() {
    Matcher end = RAW_END.matcher(source);
    if (!end.find(position)) {
      throw JinjaException.syntax(line, "a raw block is not closed by {% endraw %}");
    }
    lineStarting = source.charAt(position - 1) == '\n';
    addData(end.start(), end.group(1), true);
    moveTo(end.end());
    lineStarting = source.charAt(position - 1) == '\n';
  }

  private void comment() {
    int end = source.indexOf("#}", position);
    if (end < 0) {
      throw JinjaException.syntax(line, "a comment is not closed by #}");
    }
    char sign = end > position ? source.charAt(end - 1) : ' ';
    moveTo(end + 2);
    afterTag(sign, true);
  }

  /** Skips what an end tag swallows behind it and notes whether a line starts there. */
  private void afterTag(char sign, boolean trimsNewline) {
    int next = position;
    if (sign == '-') {
      while (next < source.length() && PythonText.isWhitespace(source.charAt(next))) {
        next++;
      }
    } else if (sign != '+' && trimsNewline && source.startsWith("\n", next)) {
      next++;
    }
    moveTo(next);
    lineStarting = source.charAt(position - 1) == '\n';
  }

  private void expression(Kind begin, Kind end, String closing) {
    add(begin, "");
    StringBuilder brackets = new StringBuilder();
    while (true) {
      while (position < source.length() && PythonText.isWhitespace(source.charAt(position))) {
        moveTo(position + 1);
      }
      if (position >= source.length()) {
        throw JinjaException.syntax(line, "a tag is not closed by " + closing);
      }
      if (brackets.length() == 0 && closes(closing)) {
        char sign = source.startsWith(closing, position) ? ' ' : source.charAt(position);
        add(end, "");
        moveTo(position + closing.length() + (sign == ' ' ? 0 : 1));
        afterTag(sign, end == Kind.BLOCK_END);
        return;
      }
      Token token = ExpressionLexer.read(source, position, line);
      balance(brackets, token);
      tokens.add(new Token(token.kind(), ExpressionLexer.value(token), line));
      moveTo(position + token.text().length());
    }
  }

  private boolean closes(String closing) {
    char c = source.charAt(position);
    boolean signed = c == '-' || c == '+' && closing.equals("%}");
    return source.startsWith(closing, position)
        || signed && source.startsWith(closing, position + 1);
  }

  private void balance(StringBuilder brackets, Token token) {
    if (token.kind() != Kind.OPERATOR) {
      return;
    }
    switch (token.text()) {
      case "(" -> brackets.append(')');
      case "[" -> brackets.append(']');
      case "{" -> brackets.append('}');
      case ")", "]", "}" -> {
        int last = brackets.length() - 1;
        if (last < 0 || brackets.charAt(last) != token.text().charAt(0)) {
          throw JinjaException.syntax(line, "unexpected '" + token.text() + "'");
        }
        brackets.setLength(last);
      }
      default -> {}
    }
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void moveTo(int next) {
    for (int i = position; i < next; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    position = next;
  }
}
