package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.BaseNumber;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Num;
import io.tracemill.udf.grade.math.Expr.PlusMinus;
import io.tracemill.udf.grade.math.Expr.Quantity;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Sums, products, powers and what they are made of; brackets and units have readers of their own,
 * which come back here for what is inside. Multiplication may be left out ({@code 2x}, {@code
 * x(x+1)}, {@code 2\sqrt{3}}); a number before a fraction of numbers is a mixed number.
 */
final class ExprParser {
  private final Cursor cursor;
  private final CommandReader commands;
  private final BracketReader brackets;
  private final UnitSuffix units;
  private final boolean commaSeparates;

  ExprParser(Cursor cursor, ItemParser items, boolean commaSeparates) {
    this.cursor = cursor;
    this.commaSeparates = commaSeparates;
    this.commands = new CommandReader(cursor, this, items);
    this.brackets = new BracketReader(cursor, this, items);
    this.units = new UnitSuffix(cursor, commands);
  }

  Expr sum() {
    List<Expr> terms = new ArrayList<>();
    char sign = cursor.peek();
    terms.add(isSign(sign) ? signed() : product());
    while (true) {
      sign = cursor.peek();
      if (isSign(sign)) {
        terms.add(signed());
      } else if (NumberReader.isDigit(sign) && terms.get(terms.size() - 1) instanceof Quantity) {
        // "5 feet 6 inches"
        terms.add(product());
      } else {
        return Exprs.sum(terms);
      }
    }
  }

  private Expr signed() {
    cursor.enter();
    char sign = cursor.take();
    Expr term = isSign(cursor.peek()) ? signed() : product();
    cursor.leave();
    return switch (sign) {
      case '-' -> Exprs.negate(term);
      case '±' -> new PlusMinus(1, term);
      case '∓' -> new PlusMinus(-1, term);
      default -> term;
    };
  }

  static boolean isSign(char c) {
    return c == '+' || c == '-' || c == '±' || c == '∓';
  }

  private Expr product() {
    Expr result = factor();
    while (true) {
      if (!(result instanceof Quantity quantity) || quantity.unit().dimensions().size() == 1) {
        Optional<Expr> withUnit = units.withUnitBehind(result);
        if (withUnit.isPresent()) {
          result = withUnit.get();
          continue;
        }
      }
      char next = cursor.peek();
      if (next == '*' || next == '/') {
        cursor.skip(1);
        Expr right = isSign(cursor.peek()) ? signed() : factor();
        result = next == '*' ? multiply(result, right) : divide(result, right);
      } else if (startsFactor(next)) {
        result = multiply(result, factor());
      } else {
        return result;
      }
    }
  }

  private static Expr multiply(Expr left, Expr right) {
    if (left instanceof Quantity quantity && !(right instanceof Quantity)) {
      return new Quantity(Exprs.product(List.of(quantity.magnitude(), right)), quantity.unit());
    }
    return Exprs.product(List.of(left, right));
  }

  private static Expr divide(Expr left, Expr right) {
    if (left instanceof Quantity quantity && !(right instanceof Quantity)) {
      return new Quantity(Exprs.quotient(quantity.magnitude(), right), quantity.unit());
    }
    return Exprs.quotient(left, right);
  }

  /** {@code 3 1/2} or {@code 3\\frac{1}{2}}; any other whole number stays as it is. */
  private Expr mixedNumber(Expr whole) {
    int start = cursor.position();
    Expr fraction = whole;
    if (NumberReader.isDigit(cursor.peek())) {
      Rational numerator = number();
      if (cursor.eat('/') && NumberReader.isDigit(cursor.peek())) {
        Rational denominator = number();
        fraction = Exprs.quotient(new Num(numerator), new Num(denominator));
      }
    } else if (cursor.peekCommand().endsWith("frac")) {
      fraction = commands.read();
    }
    if (isProperFraction(fraction) && cursor.peek() != '^') {
      return Exprs.sum(List.of(whole, fraction));
    }
    cursor.moveTo(start);
    return whole;
  }

  private Rational number() {
    return new NumberReader(cursor, commaSeparates || brackets.isInBrackets()).read();
  }

  /** The letters of {@code 7th}. */
  private boolean eatOrdinal() {
    boolean ordinal =
        switch (cursor.peekLetters()) {
          case "st", "nd", "rd", "th" -> true;
          default -> false;
        };
    if (ordinal) {
      cursor.skip(2);
    }
    return ordinal;
  }

  private static boolean isPlainInteger(Expr expr) {
    return expr instanceof Num number && number.value().isInteger() && number.value().signum() >= 0;
  }

  private static boolean isProperFraction(Expr expr) {
    return expr instanceof Num number
        && number.value().signum() > 0
        && number.value().compareTo(Rational.ONE) < 0;
  }

  private boolean startsFactor(char c) {
    if (c == '\\') {
      return !commands.isSeparatorText() && !commands.endsGroup();
    }
    if (LatexCleaner.isAsciiLetter(c)) {
      return Units.mayBeUnit(cursor.peekLetters()) || cursor.peekLetters().matches("[ieaI]|pi");
    }
    return c == '('
        || (NumberReader.isDigit(c) && cursor.at(-1) == '!')
        || c == '{'
        || c == 'π'
        || (c == '|' && !brackets.isInBars())
        || Character.isLetter(c) && c > 127;
  }

  /** A primary with its powers, factorials, percent and degree signs. */
  Expr factor() {
    cursor.enter();
    boolean digits = NumberReader.isDigit(cursor.peek());
    Expr first = primary();
    if (digits && isPlainInteger(first) && !eatOrdinal()) {
      first = mixedNumber(first);
    }
    Expr result = postfix(first);
    cursor.leave();
    return result;
  }

  private Expr postfix(Expr start) {
    Expr base = start;
    while (true) {
      char next = cursor.peek();
      if (next == '^') {
        cursor.skip(1);
        base = raise(base);
      } else if (next == '!' && cursor.at(1) != '=') {
        cursor.skip(1);
        base = new Apply("factorial", List.of(base));
      } else if (next == '%') {
        cursor.skip(1);
        base = new Quantity(base, Unit.PERCENT);
      } else if (next == '°' && "CF".indexOf(cursor.at(1)) < 0) {
        cursor.skip(1);
        base = new Quantity(base, Unit.DEGREE);
      } else if (next == '_' && base instanceof Num number) {
        base = inBase(number);
      } else {
        return base;
      }
    }
  }

  private Expr raise(Expr base) {
    Expr exponent = exponent();
    if (base instanceof Sym symbol && symbol.name().equals("\\prime")) {
      throw new UnreadableAnswer("a loose prime");
    }
    return Exprs.power(base, exponent);
  }

  /** What stands behind {@code ^}: a group, or one signed primary. */
  Expr exponent() {
    if (cursor.peek() == '-' || cursor.peek() == '+') {
      boolean negative = cursor.take() == '-';
      Expr inner = factor();
      return negative ? Exprs.negate(inner) : inner;
    }
    cursor.enter();
    Expr inner = primary();
    if (cursor.eat('^')) {
      // Towers go from the top: 2^3^2 is 2^9.
      inner = Exprs.power(inner, exponent());
    }
    cursor.leave();
    return inner;
  }

  private Expr inBase(Num number) {
    cursor.expect('_');
    Expr base = primary();
    if (!(base instanceof Num value)
        || !value.value().isSmallInteger()
        || !number.value().isInteger()) {
      throw new UnreadableAnswer("a number with an unknown subscript");
    }
    int radix = value.value().numerator().intValue();
    if (radix < 2 || radix > 36) {
      throw new UnreadableAnswer("base " + radix);
    }
    return new BaseNumber(number.value().numerator().toString(), radix);
  }

  private Expr primary() {
    char c = cursor.peek();
    if (NumberReader.isDigit(c) || (c == '.' && isDecimalPoint())) {
      return new Num(number());
    }
    if (c == '\\') {
      return commands.read();
    }
    if (LatexCleaner.isAsciiLetter(c)) {
      return new LetterReader(cursor, this, commands).read();
    }
    switch (c) {
      case '(', '[', '⟨', Characters.SET_OPEN:
        return brackets.bracketed();
      case '{':
        cursor.skip(1);
        return brackets.group('}');
      case '|':
        return brackets.bars();
      case '∅':
        cursor.skip(1);
        return new Seq(Kind.SET, List.of());
      case '∞':
      case 'π':
        cursor.skip(1);
        return new Sym(String.valueOf(c));
      case '¢':
        throw new UnreadableAnswer("a cent sign in front");
      default:
        break;
    }
    if (c == Characters.DOLLAR || "€£¥₹".indexOf(c) >= 0) {
      cursor.skip(1);
      Expr amount = isSign(cursor.peek()) ? signed() : factor();
      return new Quantity(amount, Units.of(String.valueOf(c)));
    }
    if (Character.isLetter(c) && c > 127) {
      cursor.skip(1);
      return new Sym(commands.withSubscript(String.valueOf(c)));
    }
    throw new UnreadableAnswer(
        c == '\0' ? "it ends too early" : "'" + c + "' at character " + cursor.position());
  }

  private boolean isDecimalPoint() {
    return NumberReader.isDigit(cursor.at(1)) || cursor.at(1) == '\\';
  }

  /** A group or a bracket that only holds one expression together. */
  Expr factorGroup() {
    cursor.enter();
    Expr inner = primary();
    cursor.leave();
    return inner;
  }
}
