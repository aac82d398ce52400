package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The operators and literals of the expression language. */
final class Expressions {
  private Expressions() {}

  record Constant(Object value) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return value;
    }
  }

  record Name(String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return scope.lookup(name);
    }
  }

  record ListOf(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return values(items, scope);
    }
  }

  record TupleOf(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return new Tuple(values(items, scope));
    }
  }

  record DictOf(List<Expression> keys, List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Map<Object, Object> dict = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        Dicts.put(dict, keys.get(i).evaluate(scope), items.get(i).evaluate(scope));
      }
      return dict;
    }
  }

  record Attribute(Expression owner, String name) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Items.attribute(owner.evaluate(scope), name);
    }
  }

  record Item(Expression owner, Expression key) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Items.item(owner.evaluate(scope), key.evaluate(scope));
    }
  }

  record Slice(
      Expression owner,
      Optional<Expression> start,
      Optional<Expression> stop,
      Optional<Expression> step)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = owner.evaluate(scope);
      return Items.slice(value, part(start, scope), part(stop, scope), part(step, scope));
    }

    private static Object part(Optional<Expression> part, Scope scope) {
      return part.map(each -> each.evaluate(scope)).orElse(None.NONE);
    }
  }

  record Negative(Expression operand) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.negate(operand.evaluate(scope));
    }
  }

  record Positive(Expression operand) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.plus(operand.evaluate(scope));
    }
  }

  record Binary(String operator, Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return Arithmetic.apply(operator, left.evaluate(scope), right.evaluate(scope));
    }
  }

  /** The operator {@code ~}: both sides as they print, joined. */
  record Concatenation(List<Expression> parts) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      TextBuilder out = new TextBuilder();
      for (Expression part : parts) {
        out.append(Values.text(part.evaluate(scope)));
      }
      return out.build();
    }
  }

  record Not(Expression operand) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return !Values.truth(operand.evaluate(scope));
    }
  }

  /** Has the value of its left side if that is false, else of its right side. */
  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? right.evaluate(scope) : value;
    }
  }

  /** Has the value of its left side if that is true, else of its right side. */
  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object value = left.evaluate(scope);
      return Values.truth(value) ? value : right.evaluate(scope);
    }
  }

  /** One or more comparisons in a chain; each operand is evaluated at most once. */
  record Comparison(Expression first, List<String> operators, List<Expression> operands)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      Object left = first.evaluate(scope);
      for (int i = 0; i < operators.size(); i++) {
        Object right = operands.get(i).evaluate(scope);
        if (!holds(operators.get(i), left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    }

    private static boolean holds(String operator, Object left, Object right) {
      return switch (operator) {
        case "==" -> Comparisons.equal(left, right);
        case "!=" -> !Comparisons.equal(left, right);
        case "<" -> Comparisons.compare(left, right) < 0;
        case "<=" -> Comparisons.compare(left, right) <= 0;
        case ">" -> Comparisons.compare(left, right) > 0;
        case ">=" -> Comparisons.compare(left, right) >= 0;
        case "in" -> Comparisons.contains(right, left);
        case "not in" -> !Comparisons.contains(right, left);
        default -> throw new IllegalStateException("comparison " + operator);
      };
    }
  }

  /** The inline {@code a if test else b}. */
  record Conditional(Expression test, Expression then, Optional<Expression> otherwise)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      if (Values.truth(test.evaluate(scope))) {
        return then.evaluate(scope);
      }
      return otherwise
          .map(each -> each.evaluate(scope))
          .orElse(new Undefined("an inline if without else was false"));
    }
  }

  record Filtered(String name, Filter filter, Expression value, CallArguments arguments)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return filter.apply(value.evaluate(scope), arguments.evaluate(scope), scope);
    }
  }

  record Tested(String name, ValueTest test, Expression value, CallArguments arguments)
      implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return test.holds(value.evaluate(scope), arguments.evaluate(scope));
    }
  }

  record Call(Expression callee, CallArguments arguments) implements Expression {
    @Override
    public Object evaluate(Scope scope) {
      return call(callee.evaluate(scope), arguments.evaluate(scope), scope);
    }

    static Object call(Object callee, Arguments arguments, Scope scope) {
      if (callee instanceof Callable callable) {
        return callable.call(arguments, scope);
      }
      throw Values.failure(callee, "'" + Values.pythonType(callee) + "' object is not callable");
    }
  }

  /**
   * The arguments of a call as written; {@code spread} is {@code *list}, {@code spreadNamed} is
   * {@code **dict}.
   */
  record CallArguments(
      List<Expression> positional,
      Map<String, Expression> named,
      Optional<Expression> spread,
      Optional<Expression> spreadNamed) {
    static final CallArguments NONE =
        new CallArguments(List.of(), Map.of(), Optional.empty(), Optional.empty());

    boolean isEmpty() {
      return positional.isEmpty() && named.isEmpty() && spread.isEmpty() && spreadNamed.isEmpty();
    }

    Arguments evaluate(Scope scope) {
      if (isEmpty()) {
        return Arguments.NONE;
      }
      List<Object> values = values(positional, scope);
      spread.ifPresent(each -> values.addAll(Values.items(each.evaluate(scope))));
      Map<String, Object> namedValues = new LinkedHashMap<>();
      named.forEach((name, value) -> namedValues.put(name, value.evaluate(scope)));
      spreadNamed.ifPresent(each -> spreadInto(namedValues, each.evaluate(scope)));
      return new Arguments(values, namedValues);
    }

    private static void spreadInto(Map<String, Object> target, Object value) {
      if (!(value instanceof Map<?, ?> map)) {
        throw Values.failure(
            value, "an argument after ** must be a mapping, not " + Values.pythonType(value));
      }
      map.forEach(
          (key, item) -> {
            if (target.put(Values.requireText(key, "an argument's name").value(), item) != null) {
              throw JinjaException.runtime(
                  "got multiple values for the argument " + Printer.repr(key));
            }
          });
    }
  }

  private static List<Object> values(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(expression.evaluate(scope));
    }
    return values;
  }
}
