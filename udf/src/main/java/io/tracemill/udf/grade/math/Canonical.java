package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.BaseNumber;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Matrix;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.PlusMinus;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sum;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Prints a tree in one way: unordered things sorted, numbers in lowest terms. Printing what {@link
 * AnswerParser} reads from such a print gives the same print again.
 */
final class Canonical {
  private Canonical() {}

  static String print(Expr expr) {
    if (expr instanceof Num number) {
      return number.value().toString();
    }
    if (expr instanceof Sym symbol) {
      return symbol.name();
    }
    if (expr instanceof Word word) {
      return word.text();
    }
    if (expr instanceof Sum sum) {
      return sorted(sum.terms(), " + ");
    }
    if (expr instanceof Product product) {
      return sortedFactors(product.factors());
    }
    if (expr instanceof Quotient quotient) {
      return wrapped(quotient.numerator()) + "/" + wrapped(quotient.denominator());
    }
    if (expr instanceof Power power) {
      return wrapped(power.base()) + "^" + wrapped(power.exponent());
    }
    if (expr instanceof Apply apply) {
      return apply.function() + join(apply.arguments(), "(", ", ", ")");
    }
    if (expr instanceof PlusMinus choice) {
      return (choice.sign() > 0 ? "±" : "∓") + wrapped(choice.inner());
    }
    if (expr instanceof Quantity quantity) {
      return wrapped(quantity.magnitude()) + " " + quantity.unit();
    }
    if (expr instanceof BaseNumber number) {
      return number.digits() + "_" + number.base();
    }
    if (expr instanceof Matrix matrix) {
      return matrix.rows().stream()
          .map(row -> join(row, "", " & ", ""))
          .collect(Collectors.joining(" ; ", "[[", "]]"));
    }
    if (expr instanceof Relation relation) {
      StringBuilder out = new StringBuilder(print(relation.sides().get(0)));
      for (int i = 0; i < relation.operators().size(); i++) {
        out.append(' ').append(relation.operators().get(i)).append(' ');
        out.append(print(relation.sides().get(i + 1)));
      }
      return out.toString();
    }
    return sequence((Seq) expr);
  }

  private static String sequence(Seq seq) {
    Kind kind = seq.kind();
    if (kind == Kind.RATIO) {
      return join(seq.items(), "", ":", "");
    }
    if (kind.ordered) {
      return join(seq.items(), kind.open, ", ", kind.close);
    }
    Stream<String> items = seq.items().stream().map(Canonical::print).sorted();
    return switch (kind) {
      case UNION -> items.collect(Collectors.joining(" ∪ "));
      case SET -> items.distinct().collect(Collectors.joining(", ", "{", "}"));
      default -> items.collect(Collectors.joining(", "));
    };
  }

  private static String sorted(List<Expr> exprs, String separator) {
    return exprs.stream().map(Canonical::print).sorted().collect(Collectors.joining(separator));
  }

  private static String sortedFactors(List<Expr> factors) {
    return factors.stream().map(Canonical::wrapped).sorted().collect(Collectors.joining("*"));
  }

  private static String join(List<Expr> exprs, String open, String separator, String close) {
    return exprs.stream().map(Canonical::print).collect(Collectors.joining(separator, open, close));
  }

  private static String wrapped(Expr expr) {
    boolean atom =
        expr instanceof Sym
            || expr instanceof Apply
            || (expr instanceof Num number
                && number.value().isInteger()
                && number.value().signum() >= 0);
    return atom ? print(expr) : "(" + print(expr) + ")";
  }
}
