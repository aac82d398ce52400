package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.BaseNumber;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Matrix;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Relation;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides whether two trees are the same answer. Symmetric by construction: every rule for a pair
 * of kinds is tried in both orders.
 */
final class ExprComparer {
  private static final int EXACT_WORK_UNITS = 25_000;

  private final Budget budget;
  private final double relativeTolerance;
  private MatchRule rule = MatchRule.NUMBER;

  ExprComparer(Budget budget, double relativeTolerance) {
    this.budget = budget;
    this.relativeTolerance = relativeTolerance;
  }

  /** The strongest rule that was needed so far. */
  MatchRule rule() {
    return rule;
  }

  private void used(MatchRule next) {
    if (next.ordinal() > rule.ordinal()) {
      rule = next;
    }
  }

  boolean same(Expr a, Expr b) {
    budget.spend(4);
    if (a.equals(b)) {
      return true;
    }
    if (a instanceof Num x && b instanceof Num y) {
      return x.value().equals(y.value()) || close(a, b);
    }
    if (a instanceof Word || b instanceof Word) {
      return words(a, b);
    }
    if (a instanceof Relation || b instanceof Relation) {
      used(MatchRule.STRUCTURE);
      return new RelationComparer(this, budget).same(a, b);
    }
    if (isContainer(a) || isContainer(b)) {
      used(MatchRule.STRUCTURE);
      return containers(a, b);
    }
    if (a instanceof Quantity || b instanceof Quantity) {
      used(MatchRule.UNIT);
      return new QuantityComparer(this).same(a, b);
    }
    if (a instanceof BaseNumber || b instanceof BaseNumber) {
      return inBases(a, b);
    }
    return algebra(a, b);
  }

  private boolean words(Expr a, Expr b) {
    used(MatchRule.TEXT);
    if (a instanceof Word x && b instanceof Word y) {
      return Words.singular(x.text()).equals(Words.singular(y.text()));
    }
    return false;
  }

  private static boolean isContainer(Expr expr) {
    return expr instanceof Seq
        || expr instanceof Matrix
        || (expr instanceof Apply apply && apply.function().equals("setminus"))
        || (expr instanceof Sym symbol && symbol.name().equals("ℝ"));
  }

  private boolean containers(Expr a, Expr b) {
    return new ContainerComparer(this).same(a, b);
  }

  private boolean inBases(Expr a, Expr b) {
    if (a instanceof BaseNumber x && b instanceof BaseNumber y) {
      return x.base() == y.base() && x.digits().equals(y.digits());
    }
    BaseNumber based = a instanceof BaseNumber x ? x : (BaseNumber) b;
    Expr other = a instanceof BaseNumber ? b : a;
    return other instanceof Num number && number.value().toString().equals(based.digits());
  }

  /** Two scalar expressions: polynomials first, then values. */
  private boolean algebra(Expr a, Expr b) {
    used(MatchRule.ALGEBRA);
    ExactAlgebra.Proof proof = prove(a, b);
    if (proof != ExactAlgebra.Proof.NONE) {
      return proof == ExactAlgebra.Proof.EQUAL || close(a, b);
    }
    used(MatchRule.NUMERIC);
    return NumericProbe.agree(a, b, budget).orElse(false) || close(a, b);
  }

  /** What polynomials show within their part of the budget; values at points cost less. */
  private ExactAlgebra.Proof prove(Expr a, Expr b) {
    Budget part = budget.part(EXACT_WORK_UNITS);
    try {
      return ExactAlgebra.compare(a, b, part);
    } catch (UnreadableAnswer | ArithmeticException | Budget.Exhausted e) {
      return ExactAlgebra.Proof.NONE;
    } finally {
      budget.giveBack(part);
    }
  }

  /** Whether two constants are within the relative tolerance, where there is one. */
  private boolean close(Expr a, Expr b) {
    if (relativeTolerance <= 0) {
      return false;
    }
    var x = NumericProbe.realValue(a, budget);
    var y = NumericProbe.realValue(b, budget);
    if (x.isEmpty() || y.isEmpty()) {
      return false;
    }
    used(MatchRule.TOLERANCE);
    double gap = Math.abs(x.get() - y.get());
    return gap <= relativeTolerance * Math.max(Math.abs(x.get()), Math.abs(y.get()));
  }

  /** Whether both lists hold the same answers, in any order, doubles counted once. */
  boolean sameUnordered(List<Expr> a, List<Expr> b) {
    List<Expr> left = distinct(a);
    List<Expr> right = distinct(b);
    if (left.size() != right.size()) {
      return false;
    }
    List<Expr> open = new ArrayList<>(right);
    for (Expr each : left) {
      int match = -1;
      for (int i = 0; i < open.size() && match < 0; i++) {
        if (same(each, open.get(i))) {
          match = i;
        }
      }
      if (match < 0) {
        return false;
      }
      open.remove(match);
    }
    return true;
  }

  boolean sameOrdered(List<Expr> a, List<Expr> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!same(a.get(i), b.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** The items without those that equal an earlier one. */
  List<Expr> distinct(List<Expr> items) {
    List<Expr> distinct = new ArrayList<>();
    for (Expr item : items) {
      if (distinct.stream().noneMatch(item::equals)
          && (items.size() > 20 || distinct.stream().noneMatch(kept -> same(kept, item)))) {
        distinct.add(item);
      }
    }
    return distinct;
  }

  /** Whether this holds its items without order: a list, or a set. */
  static boolean isUnordered(Expr expr) {
    return expr instanceof Seq seq && (seq.kind() == Kind.LIST || seq.kind() == Kind.SET);
  }
}
