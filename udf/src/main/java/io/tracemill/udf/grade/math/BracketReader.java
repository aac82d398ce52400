package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Seq;
import java.util.List;

/** Groups, brackets and bars, and which of them are open at the place that is being read. */
final class BracketReader {
  private final Cursor cursor;
  private final ExprParser expressions;
  private final ItemParser items;
  private int openBars;
  private int brackets;

  BracketReader(Cursor cursor, ExprParser expressions, ItemParser items) {
    this.cursor = cursor;
    this.expressions = expressions;
    this.items = items;
  }

  /** Whether a bracket is open, in which a comma parts items. */
  boolean isInBrackets() {
    return brackets > 0;
  }

  /** Whether a bar is open, so that the next one closes it. */
  boolean isInBars() {
    return openBars > 0;
  }

  /** The items of a TeX group; one item stands for itself. */
  Expr group(char close) {
    cursor.enter();
    int bars = openBars;
    openBars = 0;
    Expr inner = items.list(close);
    if (cursor.peekCommand().equals("choose")) {
      cursor.skip("\\choose".length());
      inner = new Apply("binom", List.of(inner, items.list(close)));
    }
    openBars = bars;
    cursor.expect(close);
    cursor.leave();
    return inner;
  }

  /** What stands in brackets: an interval, a tuple, a set, or one expression held together. */
  Expr bracketed() {
    char open = cursor.take();
    int bars = openBars;
    boolean set = open == Characters.SET_OPEN;
    // In "{x | x > 2}" the bar parts the variable from its conditions.
    openBars = set ? 1 : 0;
    brackets++;
    cursor.enter();
    List<Expr> inside = set ? items.setItems() : items.items();
    char close = cursor.take();
    cursor.leave();
    brackets--;
    openBars = bars;
    Kind kind = kindOf(open, close);
    if (set && inside.size() == 1 && inside.get(0) instanceof Expr.Relation condition) {
      return condition;
    }
    boolean grouping = kind == Kind.OPEN || kind == Kind.CLOSED;
    return grouping && inside.size() == 1 ? inside.get(0) : new Seq(kind, inside);
  }

  private static Kind kindOf(char open, char close) {
    String pair = "" + open + close;
    return switch (pair) {
      case "()" -> Kind.OPEN;
      case "[]" -> Kind.CLOSED;
      case "(]" -> Kind.OPEN_CLOSED;
      case "[)" -> Kind.CLOSED_OPEN;
      case "⟨⟩" -> Kind.ANGLE;
      case "" + Characters.SET_OPEN + Characters.SET_CLOSE -> Kind.SET;
      default -> throw new UnreadableAnswer("brackets " + pair + " do not match");
    };
  }

  /** What stands between bars: its absolute value. */
  Expr bars() {
    cursor.expect('|');
    openBars++;
    cursor.enter();
    Expr inner = expressions.sum();
    cursor.leave();
    openBars--;
    cursor.expect('|');
    return new Apply("abs", List.of(inner));
  }
}
