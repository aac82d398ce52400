package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Seq;
import java.util.ArrayList;
import java.util.List;

/** Reads a whole answer: one item, or several that commas, semicolons or "and" part. */
final class AnswerParser {
  /** What a comma between groups of three digits means outside brackets. */
  enum Commas {
    GROUP_THOUSANDS,
    SEPARATE_ITEMS
  }

  /** Longer answers are prose; only the text rule compares them. */
  static final int MAX_CHARACTERS = 2_000;

  private final Cursor cursor;
  private final ItemParser items;

  AnswerParser(String raw, Commas commas) {
    if (raw.length() > MAX_CHARACTERS) {
      throw new UnreadableAnswer("longer than " + MAX_CHARACTERS + " characters");
    }
    this.cursor = new Cursor(LatexCleaner.clean(raw));
    this.items = new ItemParser(cursor, commas == Commas.SEPARATE_ITEMS);
  }

  /** The answer as a tree; throws {@link UnreadableAnswer} where it is not mathematics. */
  Expr parse() {
    Expr answer = items.list('\0');
    if (!cursor.atEnd()) {
      throw new UnreadableAnswer("'" + cursor.peek() + "' at character " + cursor.position());
    }
    List<Expr> expanded = new ArrayList<>();
    List<Expr> parts =
        answer instanceof Seq seq && seq.kind() == Kind.LIST ? seq.items() : List.of(answer);
    for (Expr part : parts) {
      if (parts.size() > 1 && Conjunctions.isRange(part)) {
        continue;
      }
      expanded.addAll(PlusMinusExpander.expand(part));
    }
    return expanded.size() == 1 ? expanded.get(0) : new Seq(Kind.LIST, expanded);
  }
}
