package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Matrix;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.List;

/** Normal forms: every scalar inside an answer as a reduced fraction of polynomials. */
final class Normal {
  private static final int WORK_UNITS = 20_000;
  private static final long NANOS = 200_000_000L;

  private Normal() {}

  static String print(Expr expr) {
    return Canonical.print(normal(expr));
  }

  /** The text rule's form, for answers that are not mathematics. */
  static String text(String answer) {
    String plain = Words.plain(answer);
    return plain.isEmpty() ? squeezed(answer) : plain;
  }

  /** The answer without white space; cleaned of TeX where it is short. */
  static String squeezed(String answer) {
    String text =
        answer.length() <= AnswerParser.MAX_CHARACTERS ? LatexCleaner.clean(answer) : answer;
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean apart =
          Character.isWhitespace(c)
              && i > 0
              && i + 1 < text.length()
              && sameKind(text.charAt(i - 1), text.charAt(i + 1));
      if (apart) {
        out.append(' ');
      } else if (!Character.isWhitespace(c)) {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** Two digits or two letters: without the space they would be one number or word. */
  private static boolean sameKind(char a, char b) {
    return (Character.isDigit(a) && Character.isDigit(b))
        || (Character.isLetter(a) && Character.isLetter(b));
  }

  private static Expr normal(Expr expr) {
    if (expr instanceof Num || expr instanceof Sym || expr instanceof Word) {
      return expr;
    }
    if (expr instanceof Seq seq) {
      return new Seq(seq.kind(), each(seq.items()));
    }
    if (expr instanceof Matrix matrix) {
      return new Matrix(matrix.rows().stream().map(Normal::each).toList());
    }
    if (expr instanceof Relation relation) {
      return new Relation(each(relation.sides()), relation.operators());
    }
    if (expr instanceof Quantity quantity) {
      return new Quantity(normal(quantity.magnitude()), quantity.unit());
    }
    if (expr instanceof Apply apply && apply.function().equals("setminus")) {
      return new Apply(apply.function(), each(apply.arguments()));
    }
    try {
      return ExactAlgebra.canonical(expr, new Budget(WORK_UNITS, NANOS))
          .<Expr>map(Sym::new)
          .orElse(expr);
    } catch (UnreadableAnswer | ArithmeticException | Budget.Exhausted e) {
      return expr;
    }
  }

  private static List<Expr> each(List<Expr> exprs) {
    return exprs.stream().map(Normal::normal).toList();
  }
}
