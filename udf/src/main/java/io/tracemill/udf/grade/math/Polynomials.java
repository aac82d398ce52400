package io.tracemill.udf.grade.math;

import cc.redberry.rings.Rational;
import cc.redberry.rings.Rings;
import cc.redberry.rings.bigint.BigInteger;
import cc.redberry.rings.poly.multivar.Monomial;
import cc.redberry.rings.poly.multivar.MonomialOrder;
import cc.redberry.rings.poly.multivar.MultivariateDivision;
import cc.redberry.rings.poly.multivar.MultivariatePolynomial;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Power;
import io.tracemill.udf.grade.math.Expr.Product;
import io.tracemill.udf.grade.math.Expr.Quotient;
import io.tracemill.udf.grade.math.Expr.Sum;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.ArrayList;
import java.util.List;

/**
 * Polynomial arithmetic over Q by Rings. Roots come first in the lexicographic order, later roots
 * before the ones inside them, so that division by {@code root^degree - radicand} replaces powers
 * of roots.
 */
final class Polynomials {
  private static final int MAX_VARIABLES = 12;
  private static final int MAX_DEGREE = 400;

  private final List<String> variables;
  private final Budget budget;
  private final List<MultivariatePolynomial<Rational<BigInteger>>> relations = new ArrayList<>();

  /** Polynomials over these atoms; {@code atoms} has seen every expression to come. */
  Polynomials(Atoms atoms, Budget budget) {
    this.budget = budget;
    List<Atoms.Root> roots = atoms.roots();
    Atomizer atomizer = new Atomizer(atoms);
    List<Expr> radicands = new ArrayList<>();
    for (int i = 0; i < roots.size(); i++) {
      radicands.add(atomizer.rewrite(roots.get(i).radicand()));
      roots = atoms.roots();
    }
    List<String> ordered = new ArrayList<>();
    for (int i = roots.size() - 1; i >= 0; i--) {
      ordered.add(roots.get(i).atom());
    }
    List<String> rest = new ArrayList<>(atoms.sorted());
    rest.removeAll(ordered);
    ordered.addAll(rest);
    this.variables = List.copyOf(ordered);
    if (variables.size() > MAX_VARIABLES) {
      throw new UnreadableAnswer("more than " + MAX_VARIABLES + " variables");
    }
    for (int i = 0; i < roots.size(); i++) {
      addRelation(roots.get(i), radicands.get(i));
    }
  }

  private void addRelation(Atoms.Root root, Expr radicand) {
    Fraction inside = fraction(radicand);
    if (!inside.denominator().isConstant()) {
      return;
    }
    var power = one();
    for (int i = 0; i < root.degree(); i++) {
      power = power.clone().multiply(variable(root.atom()));
    }
    relations.add(power.clone().multiply(inside.denominator()).subtract(inside.numerator()));
  }

  /** The expression, rewritten over atoms, as a fraction. */
  Fraction fraction(Expr expr) {
    if (expr instanceof Num number) {
      return new Fraction(constant(number.value()), one());
    }
    if (expr instanceof Sym symbol) {
      return new Fraction(variable(symbol.name()), one());
    }
    if (expr instanceof Sum sum) {
      Fraction total = fraction(sum.terms().get(0));
      for (Expr term : sum.terms().subList(1, sum.terms().size())) {
        total = add(total, fraction(term));
      }
      return total;
    }
    if (expr instanceof Product product) {
      Fraction total = fraction(product.factors().get(0));
      for (Expr factor : product.factors().subList(1, product.factors().size())) {
        total = multiply(total, fraction(factor));
      }
      return total;
    }
    if (expr instanceof Quotient quotient) {
      Fraction below = fraction(quotient.denominator());
      if (reduce(below.numerator()).isZero()) {
        throw new UnreadableAnswer("a division by zero");
      }
      Fraction above = fraction(quotient.numerator());
      return multiply(above, new Fraction(below.denominator(), below.numerator()));
    }
    if (expr instanceof Power power && power.exponent() instanceof Num exponent) {
      Fraction base = fraction(power.base());
      Fraction result = new Fraction(one(), one());
      for (int i = 0; i < exponent.value().numerator().intValue(); i++) {
        result = multiply(result, base);
      }
      return result;
    }
    throw new UnreadableAnswer("not a polynomial");
  }

  /** Numerator of the difference, roots reduced; zero where the fractions agree. */
  MultivariatePolynomial<Rational<BigInteger>> difference(Fraction a, Fraction b) {
    return reduce(
        times(a.numerator(), b.denominator()).subtract(times(b.numerator(), a.denominator())));
  }

  /** A polynomial with powers of roots replaced. */
  MultivariatePolynomial<Rational<BigInteger>> reduce(
      MultivariatePolynomial<Rational<BigInteger>> polynomial) {
    if (relations.isEmpty() || polynomial.isZero()) {
      return polynomial;
    }
    budget.spend((long) polynomial.size() * relations.size() * 8);
    return MultivariateDivision.remainder(polynomial, relations);
  }

  Fraction add(Fraction a, Fraction b) {
    if (a.denominator().equals(b.denominator())) {
      return new Fraction(a.numerator().clone().add(b.numerator()), a.denominator());
    }
    return new Fraction(
        times(a.numerator(), b.denominator()).add(times(b.numerator(), a.denominator())),
        times(a.denominator(), b.denominator()));
  }

  private Fraction multiply(Fraction a, Fraction b) {
    return new Fraction(
        times(a.numerator(), b.numerator()), times(a.denominator(), b.denominator()));
  }

  MultivariatePolynomial<Rational<BigInteger>> times(
      MultivariatePolynomial<Rational<BigInteger>> a,
      MultivariatePolynomial<Rational<BigInteger>> b) {
    budget.spend(16L + (long) a.size() * b.size());
    if (a.degree() + b.degree() > MAX_DEGREE) {
      throw new UnreadableAnswer("a degree above " + MAX_DEGREE);
    }
    return a.clone().multiply(b);
  }

  private MultivariatePolynomial<Rational<BigInteger>> one() {
    return MultivariatePolynomial.one(Math.max(1, variables.size()), Rings.Q, MonomialOrder.LEX);
  }

  private MultivariatePolynomial<Rational<BigInteger>> constant(
      io.tracemill.udf.grade.math.Rational value) {
    Rational<BigInteger> coefficient =
        new Rational<>(
            Rings.Z, new BigInteger(value.numerator()), new BigInteger(value.denominator()));
    return one().multiply(coefficient);
  }

  private MultivariatePolynomial<Rational<BigInteger>> variable(String name) {
    int[] exponents = new int[Math.max(1, variables.size())];
    exponents[variables.indexOf(name)] = 1;
    return MultivariatePolynomial.create(
        exponents.length, Rings.Q, MonomialOrder.LEX, new Monomial<>(exponents, Rings.Q.getOne()));
  }

  List<String> variables() {
    return variables;
  }
}
