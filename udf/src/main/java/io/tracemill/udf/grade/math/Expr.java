package io.tracemill.udf.grade.math;

import java.util.List;

/** A parsed answer: numbers and algebra, and the containers that answers come in. */
sealed interface Expr {
  /** An exact number. */
  record Num(Rational value) implements Expr {}

  /** A variable or a named constant such as {@code π}, {@code e}, {@code i}, {@code ∞}. */
  record Sym(String name) implements Expr {}

  /** Terms added together. */
  record Sum(List<Expr> terms) implements Expr {
    public Sum {
      terms = List.copyOf(terms);
    }
  }

  /** Factors multiplied together. */
  record Product(List<Expr> factors) implements Expr {
    public Product {
      factors = List.copyOf(factors);
    }
  }

  /** One expression over another. */
  record Quotient(Expr numerator, Expr denominator) implements Expr {}

  /** One expression to the power of another. */
  record Power(Expr base, Expr exponent) implements Expr {}

  /** A named function of its arguments. */
  record Apply(String function, List<Expr> arguments) implements Expr {
    public Apply {
      arguments = List.copyOf(arguments);
    }
  }

  /** Plus or minus ({@code sign} 1), minus or plus ({@code sign} -1) an expression. */
  record PlusMinus(int sign, Expr inner) implements Expr {}

  /** A number with a unit. */
  record Quantity(Expr magnitude, Unit unit) implements Expr {}

  /** Digits in a stated base, as in {@code 1011_2}. */
  record BaseNumber(String digits, int base) implements Expr {}

  /** Several expressions in a container. */
  record Seq(Kind kind, List<Expr> items) implements Expr {
    public Seq {
      items = List.copyOf(items);
    }
  }

  /** Rows of equal length. */
  record Matrix(List<List<Expr>> rows) implements Expr {
    public Matrix {
      rows = rows.stream().map(List::copyOf).toList();
    }
  }

  /** Sides joined by relations; one relation fewer than sides. */
  record Relation(List<Expr> sides, List<String> operators) implements Expr {
    public Relation {
      sides = List.copyOf(sides);
      operators = List.copyOf(operators);
    }

    boolean isEquation() {
      return operators.stream().allMatch(operator -> operator.equals("=") || operator.equals("≈"));
    }

    Expr last() {
      return sides.get(sides.size() - 1);
    }
  }

  /** Plain words, lower case, single spaces. */
  record Word(String text) implements Expr {}

  /** How a {@link Seq} was bracketed. */
  enum Kind {
    /** Separated by commas without brackets: no order. */
    LIST("[", "]", false),
    /** In set braces: no order. */
    SET("{", "}", false),
    /** In round brackets: a point, or an open interval. */
    OPEN("(", ")", true),
    /** In square brackets: a list, or a closed interval. */
    CLOSED("[", "]", true),
    /** {@code (a, b]}. */
    OPEN_CLOSED("(", "]", true),
    /** {@code [a, b)}. */
    CLOSED_OPEN("[", ")", true),
    /** In angle brackets: a vector. */
    ANGLE("<", ">", true),
    /** Joined by the union sign: no order. */
    UNION("∪", "", false),
    /** Joined by colons. */
    RATIO(":", "", true);

    final String open;
    final String close;
    final boolean ordered;

    Kind(String open, String close, boolean ordered) {
      this.open = open;
      this.close = close;
      this.ordered = ordered;
    }

    /** Whether two items in this container may be the ends of an interval. */
    boolean isInterval() {
      return this == OPEN || this == CLOSED || this == OPEN_CLOSED || this == CLOSED_OPEN;
    }
  }
}
