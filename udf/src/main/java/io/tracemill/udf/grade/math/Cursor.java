package io.tracemill.udf.grade.math;

/** A place in a cleaned answer; all parsers of one answer share it. */
final class Cursor {
  /** Brackets, fractions and powers nested deeper than this are not read. */
  private static final int MAX_DEPTH = 60;

  private static final char END = '\0';

  private final String text;
  private int position;
  private int depth;

  Cursor(String text) {
    this.text = text;
  }

  int position() {
    return position;
  }

  void moveTo(int newPosition) {
    position = newPosition;
  }

  boolean atEnd() {
    skipSpaces();
    return position >= text.length();
  }

  void skipSpaces() {
    while (position < text.length() && text.charAt(position) == ' ') {
      position++;
    }
  }

  /** The next character that is not a space, or NUL at the end. */
  char peek() {
    skipSpaces();
    return here();
  }

  /** The character here, a space included, or NUL at the end. */
  char here() {
    return at(0);
  }

  /** The character so many places on, or NUL outside the text. */
  char at(int offset) {
    int index = position + offset;
    return index >= 0 && index < text.length() ? text.charAt(index) : END;
  }

  char take() {
    return position < text.length() ? text.charAt(position++) : END;
  }

  boolean eat(char wanted) {
    if (peek() != wanted) {
      return false;
    }
    position++;
    return true;
  }

  void expect(char wanted) {
    if (!eat(wanted)) {
      throw new UnreadableAnswer("'" + wanted + "' is missing at character " + position);
    }
  }

  /** The run of ASCII letters here, empty where there is none; does not move. */
  String peekLetters() {
    int end = position;
    while (end < text.length() && LatexCleaner.isAsciiLetter(text.charAt(end))) {
      end++;
    }
    return text.substring(position, end);
  }

  /** The name of the command here, without its backslash; empty where there is none. */
  String peekCommand() {
    if (peek() != '\\') {
      return "";
    }
    position++;
    String name = peekLetters();
    position--;
    return name;
  }

  void skip(int characters) {
    position += characters;
  }

  /** The raw text of the brace group here, braces removed. */
  String takeGroupText() {
    expect('{');
    int start = position;
    int open = 1;
    while (position < text.length()) {
      char c = text.charAt(position++);
      if (c == '{') {
        open++;
      } else if (c == '}' && --open == 0) {
        return text.substring(start, position - 1);
      }
    }
    throw new UnreadableAnswer("a brace is not closed");
  }

  void enter() {
    if (++depth > MAX_DEPTH) {
      throw new UnreadableAnswer("nested deeper than " + MAX_DEPTH);
    }
  }

  void leave() {
    depth--;
  }
}
