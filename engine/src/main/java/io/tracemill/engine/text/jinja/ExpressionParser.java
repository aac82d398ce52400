package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.Expressions.CallArguments;
import io.tracemill.engine.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Parses expressions with Jinja's precedence, from loosest to tightest: inline if, or, and, not,
 * comparisons, {@code + -}, {@code ~}, {@code * / // %}, {@code **}, unary signs, then calls,
 * attributes, filters and tests.
 */
final class ExpressionParser {
  /** How a list of expressions at the top of a tag may look. */
  enum InlineIf {
    ALLOWED,
    FORBIDDEN
  }

  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final int MAX_DEPTH = 200;

  private final TokenCursor tokens;
  private final Set<String> namesUsed;
  private final PrimaryParser primary;
  private int depth;

  /** Adds every name that an expression reads to {@code namesUsed}. */
  ExpressionParser(TokenCursor tokens, Set<String> namesUsed) {
    this.tokens = tokens;
    this.namesUsed = namesUsed;
    this.primary = new PrimaryParser(tokens, this);
  }

  void use(String name) {
    namesUsed.add(name);
  }

  Expression expression() {
    if (++depth > MAX_DEPTH) {
      throw JinjaException.syntax(
          tokens.line(), "an expression is nested more than " + MAX_DEPTH + " deep");
    }
    Expression value = conditional();
    depth--;
    return value;
  }

  private Expression conditional() {
    Expression value = or();
    while (tokens.skipName("if")) {
      Expression test = or();
      Optional<Expression> otherwise =
          tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
      value = new Expressions.Conditional(test, value, otherwise);
    }
    return value;
  }

  /** An expression, or several separated by commas, which make a tuple. */
  Expression tuple(InlineIf inlineIf) {
    List<Expression> items = new ArrayList<>();
    boolean comma = false;
    while (!endsTuple()) {
      items.add(inlineIf == InlineIf.ALLOWED ? expression() : or());
      comma = tokens.skipOperator(",");
      if (!comma) {
        break;
      }
      if (endsTuple()) {
        break;
      }
      comma = items.size() > 0;
    }
    if (items.isEmpty()) {
      throw tokens.unexpected("an expression");
    }
    return items.size() == 1 && !comma ? items.get(0) : new Expressions.TupleOf(items);
  }

  private boolean endsTuple() {
    Token token = tokens.current();
    return token.kind() == Kind.BLOCK_END
        || token.kind() == Kind.VARIABLE_END
        || token.kind() == Kind.END
        || token.isOperator(")");
  }

  private Expression or() {
    Expression left = and();
    while (tokens.skipName("or")) {
      left = new Expressions.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.skipName("and")) {
      left = new Expressions.And(left, not());
    }
    return left;
  }

  private Expression not() {
    int count = 0;
    while (tokens.skipName("not")) {
      count++;
    }
    Expression value = comparison();
    for (int i = 0; i < count; i++) {
      value = new Expressions.Not(value);
    }
    return value;
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> operands = new ArrayList<>();
    while (true) {
      Token token = tokens.current();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.next().text());
      } else if (token.isName("in")) {
        operators.add(tokens.next().text());
      } else if (token.isName("not") && tokens.lookAhead().isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(sum());
    }
    return operators.isEmpty() ? first : new Expressions.Comparison(first, operators, operands);
  }

  private Expression sum() {
    Expression left = concatenation();
    while (tokens.current().isOperator("+") || tokens.current().isOperator("-")) {
      left = binary(tokens.next(), left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    List<Expression> parts = new ArrayList<>();
    parts.add(product());
    while (tokens.skipOperator("~")) {
      parts.add(product());
    }
    return parts.size() == 1 ? parts.get(0) : new Expressions.Concatenation(parts);
  }

  private Expression product() {
    Expression left = power();
    while (Set.of("*", "/", "//", "%").contains(operator())) {
      left = binary(tokens.next(), left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary();
    while (tokens.current().isOperator("**")) {
      left = binary(tokens.next(), left, unary());
    }
    return left;
  }

  private String operator() {
    return tokens.current().kind() == Kind.OPERATOR ? tokens.current().text() : "";
  }

  private static Expression binary(Token operator, Expression left, Expression right) {
    for (Expression side : List.of(left, right)) {
      if (side instanceof Expressions.Filtered filtered && filtered.name().equals("safe")) {
        // Jinja would escape the other side here, which no chat template can want.
        throw JinjaException.unsupported(
            operator.line(),
            "the filter 'safe' on one side of '" + operator.text() + "' is not supported");
      }
    }
    return new Expressions.Binary(operator.text(), left, right);
  }

  private Expression unary() {
    return primary.filters(signed());
  }

  /** A sign binds tighter than a filter: {@code -1|abs} is 1. */
  private Expression signed() {
    if (++depth > MAX_DEPTH) {
      throw JinjaException.syntax(
          tokens.line(), "an expression is nested more than " + MAX_DEPTH + " deep");
    }
    Expression value;
    if (tokens.skipOperator("-")) {
      value = new Expressions.Negative(signed());
    } else if (tokens.skipOperator("+")) {
      value = new Expressions.Positive(signed());
    } else {
      value = primary.primary();
    }
    depth--;
    return primary.postfix(value);
  }

  CallArguments callArguments() {
    return primary.callArguments();
  }

  /** Filters that a block applies to its body, the first one without its bar. */
  Expression blockFilters(Expression body) {
    return primary.filters(primary.filter(body));
  }
}
