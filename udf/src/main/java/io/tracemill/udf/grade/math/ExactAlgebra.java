package io.tracemill.udf.grade.math;

import cc.redberry.rings.poly.multivar.MultivariateDivision;
import cc.redberry.rings.poly.multivar.MultivariateGCD;
import cc.redberry.rings.poly.multivar.MultivariatePolynomial;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/** What polynomial arithmetic can prove about two expressions. */
final class ExactAlgebra {
  private static final int MAX_GCD_TERMS = 40;
  private static final int MAX_GCD_VARIABLES = 4;

  private ExactAlgebra() {}

  /** What was shown. */
  enum Proof {
    EQUAL,
    DIFFERENT,
    NONE
  }

  /** Whether two expressions are one function, as fractions of polynomials over their atoms. */
  static Proof compare(Expr a, Expr b, Budget budget) {
    Atoms atoms = new Atoms();
    Atomizer atomizer = new Atomizer(atoms);
    Expr left = atomizer.rewrite(a);
    Expr right = atomizer.rewrite(b);
    Polynomials polynomials = new Polynomials(atoms, budget);
    if (polynomials.difference(polynomials.fraction(left), polynomials.fraction(right)).isZero()) {
      return Proof.EQUAL;
    }
    return atoms.mayDepend() ? Proof.NONE : Proof.DIFFERENT;
  }

  /**
   * Whether the equations {@code a = 0} and {@code b = 0} say the same: one numerator is a nonzero
   * multiple of the other.
   */
  static boolean sameEquation(Expr a, Expr b, Budget budget) {
    Atoms atoms = new Atoms();
    Atomizer atomizer = new Atomizer(atoms);
    Expr left = atomizer.rewrite(a);
    Expr right = atomizer.rewrite(b);
    Polynomials polynomials = new Polynomials(atoms, budget);
    var p = polynomials.reduce(polynomials.fraction(left).numerator());
    var q = polynomials.reduce(polynomials.fraction(right).numerator());
    if (p.isZero() || q.isZero() || p.isConstant() || q.isConstant()) {
      return p.isZero() && q.isZero();
    }
    return p.clone().multiply(q.lc()).equals(q.clone().multiply(p.lc()));
  }

  /**
   * One text for all expressions that are the same fraction, or empty where that costs too much.
   */
  static Optional<String> canonical(Expr expr, Budget budget) {
    Atoms atoms = new Atoms();
    Expr rewritten = new Atomizer(atoms).rewrite(expr);
    Polynomials polynomials = new Polynomials(atoms, budget);
    Fraction fraction = polynomials.fraction(rewritten);
    var above = polynomials.reduce(fraction.numerator());
    var below = polynomials.reduce(fraction.denominator());
    if (below.isZero()) {
      return Optional.empty();
    }
    if (!below.isConstant() && !above.isZero()) {
      if (above.size() > MAX_GCD_TERMS
          || below.size() > MAX_GCD_TERMS
          || polynomials.variables().size() > MAX_GCD_VARIABLES) {
        return Optional.empty();
      }
      var gcd = MultivariateGCD.PolynomialGCD(above, below);
      above = MultivariateDivision.divideExact(above, gcd);
      below = MultivariateDivision.divideExact(below, gcd);
    }
    var leading = below.lc();
    above = above.clone().multiply(leading.reciprocal());
    below = below.clone().multiply(leading.reciprocal());
    String numerator = print(above, polynomials.variables());
    return Optional.of(
        below.isOne()
            ? numerator
            : "(" + numerator + ")/(" + print(below, polynomials.variables()) + ")");
  }

  private static String print(
      MultivariatePolynomial<cc.redberry.rings.Rational<cc.redberry.rings.bigint.BigInteger>> p,
      List<String> variables) {
    if (p.isZero()) {
      return "0";
    }
    // Term order must not depend on which other variables the ring has.
    TreeSet<String> terms = new TreeSet<>();
    p.forEach(
        term -> {
          List<String> factors = new ArrayList<>();
          for (int i = 0; i < variables.size(); i++) {
            if (term.exponents[i] > 0) {
              String name = printAtom(variables.get(i));
              factors.add(term.exponents[i] == 1 ? name : name + "^" + term.exponents[i]);
            }
          }
          factors.sort(String::compareTo);
          String coefficient = term.coefficient.toString();
          if (factors.isEmpty() || !coefficient.equals("1")) {
            factors.add(0, coefficient);
          }
          terms.add(String.join("*", factors));
        });
    return String.join(" + ", terms);
  }

  private static String printAtom(String atom) {
    if (atom.equals("root2(-1)")) {
      return "i";
    }
    if (atom.startsWith("root2(")) {
      return "sqrt" + atom.substring("root2".length());
    }
    if (atom.startsWith("root")) {
      return atom.substring("root".length() + 1) + "^(1/" + atom.charAt("root".length()) + ")";
    }
    return atom.startsWith("{") ? atom.substring(1, atom.length() - 1) : atom;
  }
}
