package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The statements of the template language. */
final class Statements {
  private Statements() {}

  record Block(List<Statement> statements) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      for (Statement statement : statements) {
        scope.state().step();
        Flow flow;
        try {
          flow = statement.execute(scope, out);
        } catch (JinjaException e) {
          throw e.atLine(statement.line());
        }
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    }
  }

  record Data(String text) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      out.append(text);
      return Flow.NEXT;
    }
  }

  record Output(Expression value, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      out.append(Values.text(value.evaluate(scope)));
      return Flow.NEXT;
    }
  }

  record If(Expression test, Statement then, Optional<Statement> otherwise, int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      if (Values.truth(test.evaluate(scope))) {
        return then.execute(scope, out);
      }
      return otherwise.isPresent() ? otherwise.get().execute(scope, out) : Flow.NEXT;
    }
  }

  /** A loop; {@code condition} filters the items before the loop counts them. */
  record For(
      Target target,
      Expression sequence,
      Optional<Expression> condition,
      Statement body,
      Optional<Statement> otherwise,
      int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      List<Object> items = items(scope);
      LoopVariable loop = new LoopVariable(items);
      boolean completed = false;
      for (int i = 0; i < items.size(); i++) {
        scope.state().step();
        loop.moveTo(i);
        Scope turn = scope.inner();
        turn.set("loop", loop);
        target.assign(items.get(i), turn);
        Flow flow = body.execute(turn, out);
        completed |= flow == Flow.NEXT;
        if (flow == Flow.BREAK) {
          break;
        }
      }
      // As in Jinja, a turn that breaks or continues does not count for else.
      if (!completed && otherwise.isPresent()) {
        return otherwise.get().execute(scope.inner(), out);
      }
      return Flow.NEXT;
    }

    private List<Object> items(Scope scope) {
      List<Object> all = Values.items(sequence.evaluate(scope));
      if (condition.isEmpty()) {
        return all;
      }
      List<Object> kept = new ArrayList<>();
      for (Object item : all) {
        scope.state().step();
        Scope turn = scope.inner();
        target.assign(item, turn);
        if (Values.truth(condition.get().evaluate(turn))) {
          kept.add(item);
        }
      }
      return kept;
    }
  }

  record Jump(Flow flow, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      return flow;
    }
  }

  record Set(Target target, Expression value, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      target.assign(value.evaluate(scope), scope);
      return Flow.NEXT;
    }
  }

  /** {@code set} with a body; {@code filter} takes the body's text from the name {@link #BODY}. */
  record SetBlock(Target target, Expression filter, Statement body, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      target.assign(filtered(filter, body, scope), scope);
      return Flow.NEXT;
    }
  }

  record FilterBlock(Expression filter, Statement body, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      out.append(Values.text(filtered(filter, body, scope)));
      return Flow.NEXT;
    }
  }

  /** The name, unwritable in a template, under which filters of a block find its text. */
  static final String BODY = " body";

  private static Object filtered(Expression filter, Statement body, Scope scope) {
    TextBuilder text = new TextBuilder();
    Scope inner = scope.inner();
    body.execute(inner, text);
    inner.set(BODY, text.build());
    return filter.evaluate(inner);
  }

  record MacroDefinition(Macro.Definition definition, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      scope.set(definition.name(), new Macro(definition, scope));
      return Flow.NEXT;
    }
  }

  /** Calls a macro with the block's body as its {@code caller}. */
  record CallBlock(Expressions.Call call, Macro.Definition caller, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      Arguments given = call.arguments().evaluate(scope);
      Map<String, Object> named = new LinkedHashMap<>(given.named());
      named.put("caller", new Macro(caller, scope));
      Object callee = call.callee().evaluate(scope);
      out.append(
          Values.text(
              Expressions.Call.call(callee, new Arguments(given.positional(), named), scope)));
      return Flow.NEXT;
    }
  }

  record With(List<Target> targets, List<Expression> values, Statement body, int line)
      implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      Scope inner = scope.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(values.get(i).evaluate(scope), inner);
      }
      return body.execute(inner, out);
    }
  }

  /**
   * The body of {@code generation}, which marks the assistant's text for training and changes
   * nothing here.
   */
  record Generation(Statement body, int line) implements Statement {
    @Override
    public Flow execute(Scope scope, TextBuilder out) {
      return body.execute(scope.inner(), out);
    }
  }
}
