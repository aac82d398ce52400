package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.Token.Kind;
import java.util.List;

/** Walks through the tokens of a template. */
final class TokenCursor {
  private final List<Token> tokens;
  private int position;

  TokenCursor(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token current() {
    return tokens.get(position);
  }

  Token lookAhead() {
    return tokens.get(Math.min(position + 1, tokens.size() - 1));
  }

  int line() {
    return current().line();
  }

  /** Returns the current token and moves past it. */
  Token next() {
    Token token = current();
    if (token.kind() != Kind.END) {
      position++;
    }
    return token;
  }

  boolean skipName(String name) {
    return current().isName(name) && next() != null;
  }

  boolean skipOperator(String operator) {
    return current().isOperator(operator) && next() != null;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw unexpected("'" + name + "'");
    }
  }

  Token expect(Kind kind) {
    if (current().kind() != kind) {
      throw unexpected(new Token(kind, kind == Kind.NAME ? "name" : "", 0).described());
    }
    return next();
  }

  JinjaException unexpected(String wanted) {
    return JinjaException.syntax(line(), "expected " + wanted + ", found " + current().described());
  }
}
