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
 * Sums, products, powers and what they are made of. Multiplication may be left out ({@code 2x},
 * {@code x(x+1)}, {@code 2\sqrt{3}}); a number before a fraction of numbers is a mixed number.
 */
final class ExprParser {
  private final Cursor cursor;
  private final CommandReader commands;
  private final ItemParser items;
  private int openBars;
  private int brackets;
  private final boolean commaSeparates;

  ExprParser(Cursor cursor, ItemParser items, boolean commaSeparates) {
    this.cursor = cursor;
    this.items = items;
    this.commaSeparates = commaSeparates;
    this.commands = new CommandReader(cursor, this, items);
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

  private static boolean isSign(char c) {
    return c == '+' || c == '-' || c == '±' || c == '∓';
  }

  private Expr product() {
    Expr result = factor();
    while (true) {
      if (!(result instanceof Quantity quantity) || quantity.unit().dimensions().size() == 1) {
        Optional<Expr> withUnit = unitBehind(result);
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
    return new NumberReader(cursor, commaSeparates || brackets > 0).read();
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

  private Optional<Expr> unitBehind(Expr magnitude) {
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
    return isSign(next)
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
      return product.factors().stream().allMatch(ExprParser::isNumeric);
    }
    if (expr instanceof Expr.Sum sum) {
      return sum.terms().stream().allMatch(ExprParser::isNumeric);
    }
    if (expr instanceof Expr.Quotient quotient) {
      return isNumeric(quotient.numerator()) && isNumeric(quotient.denominator());
    }
    if (expr instanceof Expr.Power power) {
      return isNumeric(power.base()) && isNumeric(power.exponent());
    }
    return expr instanceof Apply apply
        && (apply.function().equals("sqrt") || apply.function().equals("root"))
        && apply.arguments().stream().allMatch(ExprParser::isNumeric);
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
        || (c == '|' && openBars == 0)
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
        return bracketed();
      case '{':
        cursor.skip(1);
        return group('}');
      case '|':
        return bars();
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

  /** The items of a TeX group; one item stands for itself. */
  Expr group(char close) {
    cursor.enter();
    int bars = openBars;
    openBars = 0;
    Expr inner = items.list(close);
    if (cursor.peekCommand().equals("choose")) {
      cursor.skip("\\choose".length());
      inner = new Apply("binom", List.of(inner, items.list(close)));
    }
    openBars = bars;
    cursor.expect(close);
    cursor.leave();
    return inner;
  }

  /** A group or a bracket that only holds one expression together. */
  Expr factorGroup() {
    cursor.enter();
    Expr inner = primary();
    cursor.leave();
    return inner;
  }

  private Expr bracketed() {
    char open = cursor.take();
    int bars = openBars;
    boolean set = open == Characters.SET_OPEN;
    // In "{x | x > 2}" the bar parts the variable from its conditions.
    openBars = set ? 1 : 0;
    brackets++;
    cursor.enter();
    List<Expr> inside = set ? items.setItems() : items.items();
    char close = cursor.take();
    cursor.leave();
    brackets--;
    openBars = bars;
    Kind kind = kindOf(open, close);
    if (set && inside.size() == 1 && inside.get(0) instanceof Expr.Relation condition) {
      return condition;
    }
    boolean grouping = kind == Kind.OPEN || kind == Kind.CLOSED;
    return grouping && inside.size() == 1 ? inside.get(0) : new Seq(kind, inside);
  }

  private static Kind kindOf(char open, char close) {
    String pair = "" + open + close;
    return switch (pair) {
      case "()" -> Kind.OPEN;
      case "[]" -> Kind.CLOSED;
      case "(]" -> Kind.OPEN_CLOSED;
      case "[)" -> Kind.CLOSED_OPEN;
      case "⟨⟩" -> Kind.ANGLE;
      case "" + Characters.SET_OPEN + Characters.SET_CLOSE -> Kind.SET;
      default -> throw new UnreadableAnswer("brackets " + pair + " do not match");
    };
  }

  private Expr bars() {
    cursor.expect('|');
    openBars++;
    cursor.enter();
    Expr inner = sum();
    cursor.leave();
    openBars--;
    cursor.expect('|');
    return new Apply("abs", List.of(inner));
  }
}
