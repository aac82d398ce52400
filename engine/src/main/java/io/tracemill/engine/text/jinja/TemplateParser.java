package io.tracemill.engine.text.jinja;

import io.tracemill.engine.text.jinja.ExpressionParser.InlineIf;
import io.tracemill.engine.text.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Parses a whole template into statements; refuses, by name and line, every tag that is not
 * supported.
 */
final class TemplateParser {
  private static final int MAX_DEPTH = 100;

  private final TokenCursor tokens;
  private final Set<String> namesUsed = new LinkedHashSet<>();
  private final ExpressionParser expressions;
  private int depth;
  private int loops;

  private TemplateParser(List<Token> tokens) {
    this.tokens = new TokenCursor(tokens);
    this.expressions = new ExpressionParser(this.tokens, namesUsed);
  }

  static Statement parse(String source) {
    TemplateParser parser = new TemplateParser(Lexer.tokenize(source));
    return parser.body("the end of the template", Set.of());
  }

  /**
   * Statements up to one of the tags in {@code ends}, of which the opening delimiter is consumed,
   * not the name.
   */
  private Statement body(String opener, Set<String> ends) {
    if (++depth > MAX_DEPTH) {
      throw JinjaException.syntax(
          tokens.line(), "blocks are nested more than " + MAX_DEPTH + " deep");
    }
    int begin = tokens.line();
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = tokens.next();
      if (token.kind() == Kind.DATA) {
        statements.add(new Statements.Data(token.text()));
      } else if (token.kind() == Kind.VARIABLE_BEGIN) {
        statements.add(new Statements.Output(expressions.tuple(InlineIf.ALLOWED), token.line()));
        tokens.expect(Kind.VARIABLE_END);
      } else if (token.kind() == Kind.BLOCK_BEGIN) {
        if (tokens.current().kind() == Kind.NAME && ends.contains(tokens.current().text())) {
          break;
        }
        statements.add(statement());
      } else if (ends.isEmpty()) {
        break;
      } else {
        throw JinjaException.syntax(begin, "the block '" + opener + "' is not closed");
      }
    }
    depth--;
    return new Statements.Block(statements);
  }

  private Statement statement() {
    Token tag = tokens.expect(Kind.NAME);
    int line = tag.line();
    Statement statement =
        switch (tag.text()) {
          case "set" -> set(line);
          case "if" -> branch(line);
          case "for" -> loop(line);
          case "break" -> jump(Statement.Flow.BREAK, line);
          case "continue" -> jump(Statement.Flow.CONTINUE, line);
          case "macro" -> macro(line);
          case "call" -> call(line);
          case "filter" -> filter(line);
          case "with" -> with(line);
          case "generation" -> generation(line);
          case "block",
              "extends",
              "include",
              "import",
              "from",
              "autoescape",
              "do",
              "trans",
              "print",
              "debug" ->
              throw JinjaException.unsupported(
                  line, "the tag '" + tag.text() + "' is not supported");
          default -> throw JinjaException.syntax(line, "unknown tag '" + tag.text() + "'");
        };
    tokens.expect(Kind.BLOCK_END);
    return statement;
  }

  /** The body of a block that ends with one tag, which is consumed up to its closing delimiter. */
  private Statement simpleBody(String opener) {
    tokens.expect(Kind.BLOCK_END);
    Statement body = body(opener, Set.of("end" + opener));
    tokens.next();
    return body;
  }

  private Statement isolated(String opener) {
    int outer = loops;
    loops = 0;
    Statement body = simpleBody(opener);
    loops = outer;
    return body;
  }

  private Statement set(int line) {
    Target target = target();
    if (tokens.skipOperator("=")) {
      return new Statements.Set(target, expressions.tuple(InlineIf.ALLOWED), line);
    }
    Expression value = new Expressions.Name(Statements.BODY);
    if (tokens.skipOperator("|")) {
      value = expressions.blockFilters(value);
    }
    return new Statements.SetBlock(target, value, isolated("set"), line);
  }

  /** One target, or several separated by commas, in parentheses or not. */
  private Target target() {
    List<Target> targets = new ArrayList<>();
    boolean comma;
    do {
      targets.add(singleTarget());
      comma = tokens.skipOperator(",");
    } while (comma
        && (tokens.current().kind() == Kind.NAME || tokens.current().isOperator("("))
        && !endsTargets());
    return targets.size() > 1 || comma ? new Target.ToTuple(targets) : targets.get(0);
  }

  private boolean endsTargets() {
    return tokens.current().isName("in");
  }

  private Target singleTarget() {
    if (tokens.skipOperator("(")) {
      Target inner = target();
      tokens.expectOperator(")");
      return inner;
    }
    Token name = tokens.expect(Kind.NAME);
    if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
      throw JinjaException.syntax(name.line(), "can't assign to '" + name.text() + "'");
    }
    if (tokens.skipOperator(".")) {
      return new Target.ToAttribute(name.text(), tokens.expect(Kind.NAME).text());
    }
    return new Target.ToName(name.text());
  }

  private Statement branch(int line) {
    Expression test = expressions.tuple(InlineIf.FORBIDDEN);
    tokens.expect(Kind.BLOCK_END);
    Statement then = body("if", Set.of("elif", "else", "endif"));
    Token tag = tokens.next();
    Optional<Statement> otherwise =
        switch (tag.text()) {
          case "elif" -> Optional.of(new Statements.Block(List.of(branch(tag.line()))));
          case "else" -> Optional.of(simpleElse("if"));
          default -> Optional.empty();
        };
    return new Statements.If(test, then, otherwise, line);
  }

  private Statement simpleElse(String opener) {
    tokens.expect(Kind.BLOCK_END);
    Statement body = body(opener, Set.of("end" + opener));
    tokens.next();
    return body;
  }

  private Statement loop(int line) {
    Target target = target();
    tokens.expectName("in");
    Expression sequence = expressions.tuple(InlineIf.FORBIDDEN);
    Optional<Expression> condition =
        tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
    if (tokens.current().isName("recursive")) {
      throw JinjaException.unsupported(line, "a recursive loop is not supported");
    }
    tokens.expect(Kind.BLOCK_END);
    loops++;
    Statement body = body("for", Set.of("else", "endfor"));
    loops--;
    Optional<Statement> otherwise =
        tokens.next().text().equals("else") ? Optional.of(simpleElse("for")) : Optional.empty();
    return new Statements.For(target, sequence, condition, body, otherwise, line);
  }

  private Statement jump(Statement.Flow flow, int line) {
    if (loops == 0) {
      throw JinjaException.syntax(
          line, "'" + (flow == Statement.Flow.BREAK ? "break" : "continue") + "' outside a loop");
    }
    return new Statements.Jump(flow, line);
  }

  private Statement macro(int line) {
    String name = tokens.expect(Kind.NAME).text();
    return new Statements.MacroDefinition(definition(name, parameters(), "macro"), line);
  }

  private Macro.Definition definition(String name, List<Macro.Parameter> parameters, String tag) {
    Set<String> outer = new LinkedHashSet<>(namesUsed);
    namesUsed.clear();
    Statement body = isolated(tag);
    Macro.Definition definition =
        new Macro.Definition(
            name,
            parameters,
            body,
            namesUsed.contains("varargs"),
            namesUsed.contains("kwargs"),
            namesUsed.contains("caller"));
    namesUsed.addAll(outer);
    return definition;
  }

  private List<Macro.Parameter> parameters() {
    List<Macro.Parameter> parameters = new ArrayList<>();
    tokens.expectOperator("(");
    while (!tokens.skipOperator(")")) {
      if (!parameters.isEmpty()) {
        tokens.expectOperator(",");
      }
      String name = tokens.expect(Kind.NAME).text();
      Optional<Expression> fallback =
          tokens.skipOperator("=") ? Optional.of(expressions.expression()) : Optional.empty();
      if (fallback.isEmpty()
          && !parameters.isEmpty()
          && parameters.get(parameters.size() - 1).fallback().isPresent()) {
        throw JinjaException.syntax(tokens.line(), "non-default argument follows default argument");
      }
      parameters.add(new Macro.Parameter(name, fallback));
    }
    return parameters;
  }

  private Statement call(int line) {
    List<Macro.Parameter> parameters = tokens.current().isOperator("(") ? parameters() : List.of();
    if (!(expressions.expression() instanceof Expressions.Call call)) {
      throw JinjaException.syntax(line, "expected call");
    }
    return new Statements.CallBlock(call, definition("caller", parameters, "call"), line);
  }

  private Statement filter(int line) {
    Expression filters = expressions.blockFilters(new Expressions.Name(Statements.BODY));
    return new Statements.FilterBlock(filters, isolated("filter"), line);
  }

  private Statement with(int line) {
    List<Target> targets = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (tokens.current().kind() != Kind.BLOCK_END) {
      if (!targets.isEmpty()) {
        tokens.expectOperator(",");
      }
      targets.add(singleTarget());
      tokens.expectOperator("=");
      values.add(expressions.expression());
    }
    return new Statements.With(targets, values, simpleBody("with"), line);
  }

  private Statement generation(int line) {
    return new Statements.Generation(isolated("generation"), line);
  }
}
