package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Matrix;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Compares sets, lists, tuples, intervals, unions, ratios and matrices. */
final class ContainerComparer {
  private final ExprComparer comparer;

  ContainerComparer(ExprComparer comparer) {
    this.comparer = comparer;
  }

  boolean same(Expr left, Expr right) {
    Expr a = plain(left);
    Expr b = plain(right);
    if (a instanceof Matrix x && b instanceof Matrix y) {
      return matrices(x, y);
    }
    if (a instanceof Seq x && b instanceof Seq y) {
      return sequences(x, y);
    }
    if (a instanceof Seq x) {
      return single(x, b);
    }
    return b instanceof Seq y && single(y, a);
  }

  /** A matrix of one row or column as a tuple, the real line as an interval. */
  private static Expr plain(Expr expr) {
    if (expr instanceof Matrix matrix) {
      if (matrix.rows().size() == 1) {
        return new Seq(Kind.ANGLE, matrix.rows().get(0));
      }
      if (matrix.rows().stream().allMatch(row -> row.size() == 1)) {
        return new Seq(Kind.ANGLE, matrix.rows().stream().map(row -> row.get(0)).toList());
      }
      return matrix;
    }
    if (expr instanceof Sym symbol && symbol.name().equals("ℝ")) {
      return Intervals.allNumbers();
    }
    if (expr instanceof Apply apply
        && apply.function().equals("setminus")
        && plain(apply.arguments().get(0)).equals(Intervals.allNumbers())
        && apply.arguments().get(1) instanceof Seq removed
        && removed.kind() == Kind.SET
        && removed.items().size() == 1) {
      Relation apart = new Relation(List.of(new Sym("x"), removed.items().get(0)), List.of("≠"));
      return Intervals.of(apart).orElse(expr);
    }
    return expr;
  }

  private boolean matrices(Matrix a, Matrix b) {
    if (a.rows().size() != b.rows().size()) {
      return false;
    }
    for (int i = 0; i < a.rows().size(); i++) {
      if (!comparer.sameOrdered(a.rows().get(i), b.rows().get(i))) {
        return false;
      }
    }
    return true;
  }

  private boolean sequences(Seq a, Seq b) {
    if (ExprComparer.isUnordered(a) && ExprComparer.isUnordered(b)) {
      return comparer.sameUnordered(a.items(), b.items());
    }
    if (a.kind() == Kind.UNION || b.kind() == Kind.UNION) {
      return comparer.sameUnordered(unionItems(a), unionItems(b));
    }
    if (a.kind() == Kind.RATIO || b.kind() == Kind.RATIO) {
      return a.kind() == b.kind() && ratios(a.items(), b.items());
    }
    if (ExprComparer.isUnordered(a) || ExprComparer.isUnordered(b)) {
      Seq unordered = ExprComparer.isUnordered(a) ? a : b;
      Seq other = ExprComparer.isUnordered(a) ? b : a;
      Optional<Expr> tuple = Conjunctions.tuple(unordered);
      if (tuple.isPresent()) {
        return comparer.same(tuple.get(), other);
      }
      // A list of one tuple, as in "{(1, 2)}".
      return unordered.items().size() == 1 && comparer.same(unordered.items().get(0), other);
    }
    // Two numbers in brackets may be an interval, whose ends matter; longer ones are vectors.
    boolean brackets =
        a.kind() == b.kind()
            || a.items().size() != 2
            || (a.kind() == Kind.ANGLE || b.kind() == Kind.ANGLE)
                && a.kind() != Kind.OPEN_CLOSED
                && b.kind() != Kind.OPEN_CLOSED
                && a.kind() != Kind.CLOSED_OPEN
                && b.kind() != Kind.CLOSED_OPEN;
    return brackets && comparer.sameOrdered(a.items(), b.items());
  }

  private static List<Expr> unionItems(Seq seq) {
    if (seq.kind() == Kind.UNION) {
      return seq.items();
    }
    if (seq.kind() == Kind.LIST) {
      List<Expr> joined = new ArrayList<>();
      for (Expr item : seq.items()) {
        joined.add(item instanceof Relation relation ? Intervals.of(relation).orElse(item) : item);
      }
      return joined;
    }
    return List.of(seq);
  }

  /** {@code 3:4} is proportional to {@code 6:8}. */
  private boolean ratios(List<Expr> a, List<Expr> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 1; i < a.size(); i++) {
      Expr left = Exprs.product(List.of(a.get(0), b.get(i)));
      Expr right = Exprs.product(List.of(a.get(i), b.get(0)));
      if (!comparer.same(left, right)) {
        return false;
      }
    }
    return !comparer.same(a.get(0), Exprs.number(0)) || comparer.same(b.get(0), Exprs.number(0));
  }

  private boolean single(Seq seq, Expr other) {
    if (ExprComparer.isUnordered(seq)) {
      List<Expr> distinct = comparer.distinct(seq.items());
      return distinct.size() == 1 && comparer.same(distinct.get(0), other);
    }
    if (seq.kind() == Kind.RATIO && seq.items().size() == 2) {
      Expr quotient = Exprs.quotient(seq.items().get(0), seq.items().get(1));
      return !(quotient instanceof Quotient bad && bad.denominator().equals(Exprs.number(0)))
          && comparer.same(quotient, other);
    }
    return false;
  }
}
