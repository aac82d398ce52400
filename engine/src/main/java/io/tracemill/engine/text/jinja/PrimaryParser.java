package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.Expressions.CallArguments;
import io.tracemill.engine.text.jinja.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Parses literals and names, and what may follow a value: attributes, items, slices, calls, filters
 * and tests.
 */
final class PrimaryParser {
  private final TokenCursor tokens;
  private final ExpressionParser expressions;

  PrimaryParser(TokenCursor tokens, ExpressionParser expressions) {
    this.tokens = tokens;
    this.expressions = expressions;
  }

  Expression primary() {
    Token token = tokens.current();
    switch (token.kind()) {
      case NAME:
        tokens.next();
        return name(token);
      case STRING:
        StringBuilder text = new StringBuilder();
        while (tokens.current().kind() == Kind.STRING) {
          text.append(tokens.next().text());
        }
        return new Expressions.Constant(Text.of(text.toString()));
      case INTEGER:
        tokens.next();
        return new Expressions.Constant(integer(token));
      case FLOAT:
        tokens.next();
        return new Expressions.Constant(Double.valueOf(token.text()));
      default:
        break;
    }
    if (tokens.skipOperator("(")) {
      if (tokens.skipOperator(")")) {
        return new Expressions.TupleOf(List.of());
      }
      Expression value = expressions.tuple(ExpressionParser.InlineIf.ALLOWED);
      tokens.expectOperator(")");
      return value;
    }
    if (tokens.skipOperator("[")) {
      return list();
    }
    if (tokens.skipOperator("{")) {
      return dict();
    }
    throw tokens.unexpected("an expression");
  }

  private Expression name(Token token) {
    switch (token.text()) {
      case "true", "True":
        return new Expressions.Constant(true);
      case "false", "False":
        return new Expressions.Constant(false);
      case "none", "None":
        return new Expressions.Constant(None.NONE);
      case "if", "else", "elif", "and", "or", "not", "in", "is":
        throw JinjaException.syntax(
            token.line(), "expected an expression, found '" + token.text() + "'");
      default:
        break;
    }
    if (tokens.current().isOperator("(") && Functions.UNSUPPORTED.contains(token.text())) {
      throw JinjaException.unsupported(
          token.line(), "the function '" + token.text() + "' is not supported");
    }
    expressions.use(token.text());
    return new Expressions.Name(token.text());
  }

  private static Object integer(Token token) {
    String digits = token.text();
    int base = 10;
    if (digits.length() > 1 && Character.isLetter(digits.charAt(1))) {
      base =
          Character.toLowerCase(digits.charAt(1)) == 'x'
              ? 16
              : Character.toLowerCase(digits.charAt(1)) == 'o' ? 8 : 2;
      digits = digits.substring(2);
    }
    return Values.of(new BigInteger(digits, base));
  }

  private Expression list() {
    List<Expression> items = new ArrayList<>();
    while (!tokens.skipOperator("]")) {
      if (!items.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("]")) {
          break;
        }
      }
      items.add(expressions.expression());
    }
    return new Expressions.ListOf(items);
  }

  private Expression dict() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.skipOperator("}")) {
      if (!keys.isEmpty()) {
        tokens.expectOperator(",");
        if (tokens.skipOperator("}")) {
          break;
        }
      }
      keys.add(expressions.expression());
      tokens.expectOperator(":");
      values.add(expressions.expression());
    }
    return new Expressions.DictOf(keys, values);
  }

  /** Attributes, items and calls behind a value. */
  Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      Token token = tokens.current();
      if (token.isOperator(".")) {
        tokens.next();
        value = attribute(value);
      } else if (token.isOperator("[")) {
        tokens.next();
        value = subscript(value);
      } else if (token.isOperator("(")) {
        value = new Expressions.Call(value, callArguments());
      } else {
        return value;
      }
    }
  }

  private Expression attribute(Expression owner) {
    Token name = tokens.next();
    if (name.kind() == Kind.INTEGER) {
      return new Expressions.Item(owner, new Expressions.Constant(integer(name)));
    }
    if (name.kind() != Kind.NAME) {
      throw JinjaException.syntax(
          name.line(), "expected a name or number after '.', found " + name.described());
    }
    if (tokens.current().isOperator("(")) {
      checkMethod(owner, name);
    }
    return new Expressions.Attribute(owner, name.text());
  }

  /**
   * Refuses a call that no value could answer, so that it is not discovered by the row that runs
   * into it.
   */
  private static void checkMethod(Expression owner, Token name) {
    if (Methods.isMutating(name.text())) {
      throw JinjaException.unsupported(
          name.line(),
          "the method '" + name.text() + "' changes a value, which templates may not do");
    }
    boolean ofLoop = owner instanceof Expressions.Name loop && loop.name().equals("loop");
    if (!Methods.isKnown(name.text())
        && !(ofLoop && LoopVariable.ATTRIBUTES.contains(name.text()))) {
      throw JinjaException.unsupported(
          name.line(), "the method '" + name.text() + "' is not supported");
    }
  }

  private Expression subscript(Expression owner) {
    Optional<Expression> start = Optional.empty();
    if (!tokens.current().isOperator(":")) {
      Expression key = expressions.expression();
      if (tokens.skipOperator("]")) {
        return new Expressions.Item(owner, key);
      }
      start = Optional.of(key);
    }
    if (tokens.current().isOperator(",")) {
      throw JinjaException.unsupported(
          tokens.line(), "several subscripts in one pair of brackets are not supported");
    }
    tokens.expectOperator(":");
    Optional<Expression> stop = slicePart();
    Optional<Expression> step = tokens.skipOperator(":") ? slicePart() : Optional.empty();
    tokens.expectOperator("]");
    return new Expressions.Slice(owner, start, stop, step);
  }

  private Optional<Expression> slicePart() {
    Token token = tokens.current();
    return token.isOperator(":") || token.isOperator("]")
        ? Optional.empty()
        : Optional.of(expressions.expression());
  }

  CallArguments callArguments() {
    tokens.expectOperator("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    Optional<Expression> spread = Optional.empty();
    Optional<Expression> spreadNamed = Optional.empty();
    boolean first = true;
    while (!tokens.skipOperator(")")) {
      if (!first) {
        tokens.expectOperator(",");
        if (tokens.skipOperator(")")) {
          break;
        }
      }
      first = false;
      int line = tokens.line();
      if (tokens.skipOperator("**")) {
        require(spreadNamed.isEmpty(), line);
        spreadNamed = Optional.of(expressions.expression());
      } else if (tokens.skipOperator("*")) {
        require(spread.isEmpty() && spreadNamed.isEmpty(), line);
        spread = Optional.of(expressions.expression());
      } else if (tokens.current().kind() == Kind.NAME && tokens.lookAhead().isOperator("=")) {
        require(spreadNamed.isEmpty(), line);
        String name = tokens.next().text();
        tokens.next();
        require(named.put(name, expressions.expression()) == null, line);
      } else {
        require(spread.isEmpty() && spreadNamed.isEmpty() && named.isEmpty(), line);
        positional.add(expressions.expression());
      }
    }
    return new CallArguments(positional, named, spread, spreadNamed);
  }

  private static void require(boolean proper, int line) {
    if (!proper) {
      throw JinjaException.syntax(line, "invalid syntax for function call expression");
    }
  }

  /** Filters, tests and calls behind a value. */
  Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      Token token = tokens.current();
      if (tokens.skipOperator("|")) {
        value = filter(value);
      } else if (tokens.skipName("is")) {
        value = test(value);
      } else if (token.isOperator("(")) {
        value = new Expressions.Call(value, callArguments());
      } else {
        return value;
      }
    }
  }

  /** One filter, from its name on. */
  Expression filter(Expression value) {
    Token name = tokens.expect(Kind.NAME);
    String full = dotted(name.text());
    Filter filter = Filters.named(full);
    if (filter == null) {
      throw JinjaException.unsupported(name.line(), "the filter '" + full + "' is not supported");
    }
    CallArguments arguments =
        tokens.current().isOperator("(") ? callArguments() : CallArguments.NONE;
    SelectionFilters.checkNames(full, arguments, name.line());
    return new Expressions.Filtered(full, filter, value, arguments);
  }

  private String dotted(String first) {
    StringBuilder name = new StringBuilder(first);
    while (tokens.skipOperator(".")) {
      name.append('.').append(tokens.expect(Kind.NAME).text());
    }
    return name.toString();
  }

  private Expression test(Expression value) {
    boolean negated = tokens.skipName("not");
    Token name = tokens.expect(Kind.NAME);
    String full = dotted(name.text());
    ValueTest test = Tests.named(full);
    if (test == null) {
      throw JinjaException.unsupported(name.line(), "the test '" + full + "' is not supported");
    }
    CallArguments arguments = CallArguments.NONE;
    if (tokens.current().isOperator("(")) {
      arguments = callArguments();
    } else if (takesArgument()) {
      if (tokens.current().isName("is")) {
        throw JinjaException.syntax(tokens.line(), "You cannot chain multiple tests with is");
      }
      arguments =
          new CallArguments(
              List.of(postfix(primary())), Map.of(), Optional.empty(), Optional.empty());
    }
    Expression tested = new Expressions.Tested(full, test, value, arguments);
    return negated ? new Expressions.Not(tested) : tested;
  }

  private boolean takesArgument() {
    Token token = tokens.current();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !(token.isName("else") || token.isName("or") || token.isName("and"));
      case OPERATOR -> token.isOperator("[") || token.isOperator("{");
      default -> false;
    };
  }
}
