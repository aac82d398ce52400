package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.List;
import java.util.Optional;

/**
 * Tells a unit behind a number from letters that go on with the algebra: {@code 2 m} is a length,
 * {@code 2 m + 1} is not.
 */
final class UnitSuffix {
  private final Cursor cursor;
  private final CommandReader commands;

  UnitSuffix(Cursor cursor, CommandReader commands) {
    this.cursor = cursor;
    this.commands = commands;
  }

  /**
   * A magnitude with the unit that stands behind it; empty where none does, and nothing was read.
   */
  Optional<Expr> withUnitBehind(Expr magnitude) {
    boolean spaced = cursor.here() == ' ' || cursor.at(-1) == ' ';
    char next = cursor.peek();
    boolean text = next == '\\' && CommandReader.isUnitCommand(cursor.peekCommand());
    boolean letter = LatexCleaner.isAsciiLetter(next);
    boolean sign = next == Characters.DOLLAR || "€£¥₹¢Ω".indexOf(next) >= 0;
    boolean temperature = next == '°' && "CF".indexOf(cursor.at(1)) >= 0;
    if (!text && !temperature && !sign && !(letter && isNumeric(magnitude))) {
      return Optional.empty();
    }
    if (text && commands.isSeparatorText()) {
      return Optional.empty();
    }
    int start = cursor.position();
    boolean loneLetter = letter && cursor.peekLetters().length() == 1;
    Optional<UnitReader.Reading> reading =
        new UnitReader(cursor).read(spaced && isNumeric(magnitude));
    if (loneLetter && continuesAlgebra(cursor.peek())) {
      // "2 m + 1" is algebra, "2 m" a length.
      cursor.moveTo(start);
      return Optional.empty();
    }
    return reading.map(each -> attach(magnitude, each));
  }

  private boolean continuesAlgebra(char next) {
    return ExprParser.isSign(next)
        || next == '('
        || next == '\\'
        || next == '='
        || next == 'π'
        || (LatexCleaner.isAsciiLetter(next) && cursor.peekLetters().length() == 1);
  }

  private static Expr attach(Expr magnitude, UnitReader.Reading reading) {
    Unit unit = reading.unit();
    Expr inner = magnitude;
    if (magnitude instanceof Quantity quantity) {
      inner = quantity.magnitude();
      // "$5 dollars" names its unit twice.
      unit = unit.equals(quantity.unit()) ? unit : quantity.unit().times(unit);
    }
    Expr scaled = Exprs.product(List.of(new Num(reading.scale()), inner));
    return unit.isEmpty() ? scaled : new Quantity(scaled, unit);
  }

  /** Whether letters behind this may be a unit: a constant, not an expression in variables. */
  private static boolean isNumeric(Expr expr) {
    if (expr instanceof Num) {
      return true;
    }
    if (expr instanceof Quantity quantity) {
      return isNumeric(quantity.magnitude());
    }
    if (expr instanceof Sym symbol) {
      return symbol.name().equals("π");
    }
    if (expr instanceof Expr.Product product) {
      return product.factors().stream().allMatch(UnitSuffix::isNumeric);
    }
    if (expr instanceof Expr.Sum sum) {
      return sum.terms().stream().allMatch(UnitSuffix::isNumeric);
    }
    if (expr instanceof Expr.Quotient quotient) {
      return isNumeric(quotient.numerator()) && isNumeric(quotient.denominator());
    }
    if (expr instanceof Expr.Power power) {
      return isNumeric(power.base()) && isNumeric(power.exponent());
    }
    return expr instanceof Apply apply
        && (apply.function().equals("sqrt") || apply.function().equals("root"))
        && apply.arguments().stream().allMatch(UnitSuffix::isNumeric);
  }
}
