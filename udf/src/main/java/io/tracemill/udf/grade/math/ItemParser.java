package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import java.util.ArrayList;
import java.util.List;

/** Reads items and what joins expressions into one: relations, unions, ratios. */
final class ItemParser {
  private static final String RELATIONS = "=≤≥<>≠≈≡∈";
  private static final int MAX_ITEMS = 200;

  private final Cursor cursor;
  private final ExprParser expressions;
  private final CommandReader commands;
  private int matrixDepth;
  private boolean colonParts = true;
  private String joined = "";

  ItemParser(Cursor cursor, boolean commaSeparates) {
    this.cursor = cursor;
    this.expressions = new ExprParser(cursor, this, commaSeparates);
    this.commands = new CommandReader(cursor, expressions, this);
  }

  /** The items up to {@code close} or the end, as one expression. */
  Expr list(char close) {
    List<Expr> items = items();
    if (cursor.peek() != close && !cursor.peekCommand().equals("choose")) {
      throw new UnreadableAnswer("'" + cursor.peek() + "' at character " + cursor.position());
    }
    if (items.size() == 1) {
      return items.get(0);
    }
    return joined.equals("and") ? Conjunctions.join(items) : new Seq(Kind.LIST, items);
  }

  /** The items of a set, or the conditions of {@code {x | x > 2}}. */
  List<Expr> setItems() {
    boolean outer = colonParts;
    colonParts = false;
    List<Expr> inside = items();
    colonParts = outer;
    if (inside.size() != 1 || !(cursor.eat('|') || cursor.eat(':'))) {
      return inside;
    }
    List<Expr> conditions = items();
    if (conditions.size() > 1) {
      conditions = List.of(Conjunctions.join(conditions));
    }
    if (!(conditions.get(0) instanceof Relation)) {
      throw new UnreadableAnswer("a set by conditions that are no inequalities");
    }
    return conditions;
  }

  /** The items here; none where a bracket closes at once. */
  List<Expr> items() {
    List<Expr> items = new ArrayList<>();
    if (cursor.peek() == Characters.SET_CLOSE || cursor.peek() == '}') {
      return items;
    }
    items.add(item());
    joined = "";
    while (eatSeparator()) {
      items.add(item());
      if (items.size() > MAX_ITEMS) {
        throw new UnreadableAnswer("more than " + MAX_ITEMS + " items");
      }
    }
    return items;
  }

  private boolean eatSeparator() {
    boolean any = false;
    while (true) {
      if (cursor.eat(',') || cursor.eat(';') || (matrixDepth == 0 && cursor.eat('&'))) {
        any = true;
      } else if (commands.isSeparatorText()) {
        cursor.skip(cursor.peekCommand().length() + 1);
        joined = Words.lower(cursor.takeGroupText()).strip();
        any = true;
      } else if (cursor.peek() == '\0') {
        return false;
      } else {
        String word = Words.lower(cursor.peekLetters());
        if (!word.equals("and") && !word.equals("or")) {
          return any;
        }
        cursor.skip(word.length());
        joined = word;
        any = true;
      }
    }
  }

  Expr item() {
    cursor.enter();
    List<Expr> sides = new ArrayList<>();
    List<String> operators = new ArrayList<>();
    if (cursor.peek() == '≈' || cursor.peek() == '=') {
      // "≈ 3.14" and "= 5" continue a sentence that was cut off.
      cursor.skip(1);
    }
    sides.add(union());
    while (cursor.peek() != '\0' && RELATIONS.indexOf(cursor.peek()) >= 0) {
      operators.add(String.valueOf(cursor.take()));
      sides.add(union());
    }
    cursor.leave();
    Expr item = operators.isEmpty() ? sides.get(0) : new Relation(sides, operators);
    cursor.skipSpaces();
    if (cursor.peekLetters().equals("mod")) {
      cursor.skip("mod".length());
      return new Apply("mod", List.of(item, expressions.sum()));
    }
    return item;
  }

  /** An entry of a matrix, in which an ampersand ends the entry. */
  Expr entry() {
    matrixDepth++;
    Expr entry = item();
    matrixDepth--;
    return entry;
  }

  private Expr union() {
    Expr first = difference();
    if (cursor.peek() != '∪') {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (cursor.eat('∪')) {
      parts.add(difference());
    }
    return new Seq(Kind.UNION, parts);
  }

  private Expr difference() {
    Expr result = ratio();
    while (cursor.peek() == '∖' || cursor.peek() == '∩') {
      String name = cursor.take() == '∖' ? "setminus" : "intersection";
      result = new Apply(name, List.of(result, ratio()));
    }
    return result;
  }

  private Expr ratio() {
    Expr first = expressions.sum();
    if (cursor.peek() != ':' || !colonParts) {
      return first;
    }
    List<Expr> parts = new ArrayList<>(List.of(first));
    while (cursor.eat(':')) {
      parts.add(expressions.sum());
    }
    return new Seq(Kind.RATIO, parts);
  }
}
