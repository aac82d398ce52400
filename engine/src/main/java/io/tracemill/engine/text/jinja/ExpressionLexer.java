package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.Token.Kind;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads single tokens inside {@code {{ }}} and {@code {% %}}, and the values that literals stand
 * for.
 */
final class ExpressionLexer {
  private static final Pattern FLOAT =
      Pattern.compile(
          "(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?e[+\\-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern INTEGER =
      Pattern.compile(
          "0b(?:_?[0-1])+|0o(?:_?[0-7])+|0x(?:_?[\\da-f])+|[1-9](?:_?\\d)*|0(?:_?0)*",
          Pattern.CASE_INSENSITIVE);
  private static final Pattern NAME = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}\\p{M}_]*");
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}<>=.:|,;]");

  private ExpressionLexer() {}

  /** The token at {@code position}, its text still as it is written. */
  static Token read(String source, int position, int line) {
    char c = source.charAt(position);
    if (c == '\'' || c == '"') {
      return new Token(
          Kind.STRING, source.substring(position, endOfString(source, position, line)), line);
    }
    boolean afterDot = position > 0 && source.charAt(position - 1) == '.';
    if (Character.isDigit(c)) {
      Matcher number = FLOAT.matcher(source).region(position, source.length());
      if (!afterDot && number.lookingAt()) {
        return new Token(Kind.FLOAT, number.group(), line);
      }
      Matcher integer = INTEGER.matcher(source).region(position, source.length());
      if (integer.lookingAt()) {
        return new Token(Kind.INTEGER, integer.group(), line);
      }
    }
    Matcher name = NAME.matcher(source).region(position, source.length());
    if (name.lookingAt()) {
      return new Token(Kind.NAME, name.group(), line);
    }
    Matcher operator = OPERATOR.matcher(source).region(position, source.length());
    if (operator.lookingAt()) {
      return new Token(Kind.OPERATOR, operator.group(), line);
    }
    throw JinjaException.syntax(line, "unexpected character '" + c + "'");
  }

  private static int endOfString(String source, int begin, int line) {
    char quote = source.charAt(begin);
    for (int i = begin + 1; i < source.length(); i++) {
      if (source.charAt(i) == '\\') {
        i++;
      } else if (source.charAt(i) == quote) {
        return i + 1;
      }
    }
    throw JinjaException.syntax(line, "a string is not closed by " + quote);
  }

  /**
   * What the parser needs of a token: strings unescaped, underscores out of numbers, the rest as it
   * is.
   */
  static String value(Token token) {
    return switch (token.kind()) {
      case STRING -> unescape(token.text().substring(1, token.text().length() - 1), token.line());
      case INTEGER, FLOAT -> token.text().replace("_", "");
      default -> token.text();
    };
  }

  private static String unescape(String body, int line) {
    if (body.indexOf('\\') < 0) {
      return body;
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      char escape = body.charAt(++i);
      switch (escape) {
        case '\n' -> {}
        case '\\', '\'', '"' -> out.append(escape);
        case 'n' -> out.append('\n');
        case 't' -> out.append('\t');
        case 'r' -> out.append('\r');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'a' -> out.append('\007');
        case 'v' -> out.append('\013');
        case 'x' -> i = hex(body, i, 2, out, line);
        case 'u' -> i = hex(body, i, 4, out, line);
        case 'U' -> i = hex(body, i, 8, out, line);
        case 'N' ->
            throw JinjaException.unsupported(line, "the string escape \\N is not supported");
        case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(body, i, out);
        default -> out.append('\\').append(escape);
      }
    }
    return out.toString();
  }

  private static int hex(String body, int at, int digits, StringBuilder out, int line) {
    int end = at + 1 + digits;
    try {
      int codePoint = Integer.parseInt(body, at + 1, end, 16);
      if (!Character.isValidCodePoint(codePoint)) {
        throw JinjaException.syntax(line, "a string escape names no character");
      }
      out.appendCodePoint(codePoint);
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw JinjaException.syntax(
          line, "a string escape \\" + body.charAt(at) + " needs " + digits + " hex digits");
    }
    return end - 1;
  }

  private static int octal(String body, int at, StringBuilder out) {
    int end = at;
    int value = 0;
    while (end < body.length()
        && end < at + 3
        && body.charAt(end) >= '0'
        && body.charAt(end) <= '7') {
      value = value * 8 + body.charAt(end++) - '0';
    }
    out.appendCodePoint(value);
    return end - 1;
  }
}
