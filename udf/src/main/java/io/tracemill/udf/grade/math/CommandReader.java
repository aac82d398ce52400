package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Kind;
import io.tracemill.udf.grade.math.Expr.Matrix;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Reads TeX commands: fractions, roots, functions, text, accents, matrices. */
final class CommandReader {
  private static final Set<String> TEXT =
      Set.of(
          "text",
          "textrm",
          "textbf",
          "textit",
          "textnormal",
          "textsf",
          "texttt",
          "mbox",
          "hbox",
          "mathrm",
          "mathbf",
          "mathit",
          "mathsf",
          "mathcal",
          "boldsymbol",
          "bm",
          "emph",
          "unit",
          "operatorname",
          "mathop",
          "underline");

  private static final Set<String> VARIABLE_FONTS =
      Set.of("mathbf", "mathit", "mathcal", "boldsymbol", "bm", "operatorname", "mathop");

  private static final Set<String> ACCENTS =
      Set.of("overline", "bar", "vec", "hat", "widehat", "tilde", "overrightarrow", "dot");

  private static final Set<String> MATRICES =
      Set.of("matrix", "pmatrix", "bmatrix", "vmatrix", "Bmatrix", "smallmatrix", "array");

  private final Cursor cursor;
  private final ExprParser parser;
  private final ItemParser items;

  CommandReader(Cursor cursor, ExprParser parser, ItemParser items) {
    this.cursor = cursor;
    this.parser = parser;
    this.items = items;
  }

  static boolean isTextCommand(String name) {
    return TEXT.contains(name);
  }

  /** Whether letters in this command may be a unit; bold and italic ones are variables. */
  static boolean isUnitCommand(String name) {
    return isTextCommand(name) && !VARIABLE_FONTS.contains(name);
  }

  /** Whether the command here is text that parts two items: {@code \text{ and }}. */
  boolean isSeparatorText() {
    String name = cursor.peekCommand();
    if (!isTextCommand(name)) {
      return false;
    }
    int start = cursor.position();
    cursor.skip(name.length() + 1);
    boolean separator = false;
    if (cursor.peek() == '{') {
      String content = Words.lower(cursor.takeGroupText()).strip();
      separator = content.equals("and") || content.equals("or") || content.equals(",");
    }
    cursor.moveTo(start);
    return separator;
  }

  /** Whether the command here closes a matrix, or another bracket. */
  boolean endsGroup() {
    String name = cursor.peekCommand();
    return name.equals("end")
        || name.equals("rfloor")
        || name.equals("rceil")
        || name.equals("choose");
  }

  Expr read() {
    String name = cursor.peekCommand();
    cursor.skip(name.length() + 1);
    if (name.endsWith("frac") && name.length() <= 5) {
      Expr numerator = argument();
      return Exprs.quotient(numerator, argument());
    }
    if (isTextCommand(name)) {
      return text(name);
    }
    if (ACCENTS.contains(name)) {
      return new Apply(name.equals("bar") ? "overline" : name, List.of(argument()));
    }
    switch (name) {
      case "sqrt":
        return root();
      case "usqrt":
        return new Apply("sqrt", List.of(parser.factor()));
      case "ucbrt":
        return new Apply("root", List.of(Exprs.number(3), parser.factor()));
      case "binom", "dbinom", "tbinom":
        return new Apply("binom", List.of(argument(), argument()));
      case "lfloor":
        return until("rfloor", "floor");
      case "lceil":
        return until("rceil", "ceil");
      case "angle", "triangle", "measuredangle":
        return figure(name.equals("triangle") ? "△" : "∠");
      case "begin":
        return environment();
      case "mathbb":
        return numberSet();
      default:
        break;
    }
    String function = FunctionNames.canonical(name).orElse("");
    if (!function.isEmpty()) {
      return function(function);
    }
    if (FunctionNames.isGreek(name)) {
      return new Sym(withSubscript("\\" + name));
    }
    throw new UnreadableAnswer("the command \\" + name);
  }

  /** {@code \\angle ABC}: the letters name one thing, in this order. */
  private Expr figure(String sign) {
    String letters;
    if (cursor.peek() == '{') {
      letters = cursor.takeGroupText().strip();
    } else {
      letters = cursor.peekLetters();
      cursor.skip(letters.length());
    }
    return new Sym(sign + letters);
  }

  private Expr numberSet() {
    String name = cursor.peek() == '{' ? cursor.takeGroupText().strip() : "" + cursor.take();
    return new Sym(name.equals("R") ? "ℝ" : "\\mathbb " + name);
  }

  /** One TeX argument: a group, one digit, or one letter or command. */
  private Expr argument() {
    char c = cursor.peek();
    if (NumberReader.isDigit(c)) {
      cursor.skip(1);
      return Exprs.number(c - '0');
    }
    cursor.enter();
    Expr result;
    if (c == '{') {
      result = parser.factorGroup();
    } else if (LatexCleaner.isAsciiLetter(c)) {
      cursor.skip(1);
      result = new Sym(String.valueOf(c));
    } else if (c == '\\' || c == 'π') {
      result = parser.factor();
    } else {
      throw new UnreadableAnswer("an argument is missing at character " + cursor.position());
    }
    cursor.leave();
    return result;
  }

  private Expr root() {
    Expr degree = Exprs.number(2);
    if (cursor.eat('[')) {
      degree = parser.sum();
      cursor.expect(']');
    }
    Expr radicand = cursor.peek() == '(' ? parser.factorGroup() : argument();
    return degree.equals(Exprs.number(2))
        ? new Apply("sqrt", List.of(radicand))
        : new Apply("root", List.of(degree, radicand));
  }

  private Expr until(String end, String function) {
    Expr inner = parser.sum();
    if (!cursor.peekCommand().equals(end)) {
      throw new UnreadableAnswer("\\" + end + " is missing");
    }
    cursor.skip(end.length() + 1);
    return new Apply(function, List.of(inner));
  }

  /** A function with its optional power and base, and its argument with or without brackets. */
  Expr function(String canonical) {
    String name = canonical;
    Expr base = null;
    Expr power = null;
    while (cursor.peek() == '_' || cursor.peek() == '^') {
      if (cursor.take() == '_') {
        base = argument();
      } else {
        power = parser.exponent();
      }
    }
    if (power != null && power.equals(Exprs.number(-1)) && FunctionNames.isTrigonometric(name)) {
      name = "a" + name;
      power = null;
    }
    if (name.equals("sqrt") || name.equals("cbrt")) {
      Expr radicand = parser.factorGroup();
      return powered(
          name.equals("sqrt")
              ? new Apply("sqrt", List.of(radicand))
              : new Apply("root", List.of(Exprs.number(3), radicand)),
          power);
    }
    List<Expr> arguments = new ArrayList<>();
    Expr argument =
        cursor.peek() == '(' || cursor.peek() == '{' ? parser.factorGroup() : bareArgument();
    if (argument instanceof Seq seq && (seq.kind() == Kind.OPEN || seq.kind() == Kind.LIST)) {
      arguments.addAll(seq.items());
    } else {
      arguments.add(argument);
    }
    if (base != null) {
      if (!name.equals("log") || arguments.size() != 1) {
        throw new UnreadableAnswer(name + " with a subscript");
      }
      return powered(new Apply("logb", List.of(base, arguments.get(0))), power);
    }
    return powered(new Apply(name, arguments), power);
  }

  private static Expr powered(Expr value, Expr power) {
    return power == null ? value : Exprs.power(value, power);
  }

  /** {@code \sin 2x} takes the whole {@code 2x}, and stops at a sum or at another function. */
  private Expr bareArgument() {
    List<Expr> factors = new ArrayList<>();
    factors.add(parser.factor());
    while (true) {
      char next = cursor.peek();
      boolean letter =
          LatexCleaner.isAsciiLetter(next)
              && !FunctionNames.isFunction(cursor.peekLetters())
              && Units.mayBeUnit(cursor.peekLetters());
      boolean command =
          next == '\\'
              && (FunctionNames.isGreek(cursor.peekCommand())
                  || (cursor.peekCommand().endsWith("frac")));
      if (!letter && !command && next != 'π') {
        return Exprs.product(factors);
      }
      factors.add(parser.factor());
    }
  }

  /** A name with its subscript and primes: {@code x_{10}}, {@code a_n}, {@code y'}. */
  String withSubscript(String name) {
    StringBuilder full = new StringBuilder(name);
    while (true) {
      if (cursor.here() == '_') {
        cursor.skip(1);
        full.append('_');
        if (cursor.peek() == '{') {
          full.append(cursor.takeGroupText().replace(" ", ""));
        } else {
          full.append(cursor.take());
          while (Character.isDigit(full.charAt(full.length() - 1))
              && NumberReader.isDigit(cursor.here())) {
            full.append(cursor.take());
          }
        }
      } else if (cursor.here() == '\'') {
        cursor.skip(1);
        full.append('\'');
      } else {
        return full.toString();
      }
    }
  }

  private Expr text(String command) {
    if (cursor.peek() != '{') {
      throw new UnreadableAnswer("\\" + command + " without a group");
    }
    String raw = cursor.takeGroupText().strip();
    String function = FunctionNames.canonical(raw).orElse("");
    if (!function.isEmpty()) {
      return function(function);
    }
    if (raw.length() == 1 && LatexCleaner.isAsciiLetter(raw.charAt(0))) {
      return new Sym(withSubscript(raw));
    }
    if (Words.number(raw).isPresent()) {
      return Exprs.number(Words.number(raw).get());
    }
    if (!raw.isEmpty()
        && !raw.chars().allMatch(c -> Character.isLetter(c) || " .,'-()".indexOf(c) >= 0)) {
      return new AnswerParser(raw, AnswerParser.Commas.GROUP_THOUSANDS).parse();
    }
    String plain = Words.plain(raw);
    if (plain.length() == 1) {
      // "\textbf{(A)}" keeps its letter case.
      return new Sym(raw.replaceAll("[^A-Za-z]", ""));
    }
    return new Word(plain);
  }

  private Expr environment() {
    String name = cursor.takeGroupText().strip();
    String plain = name.endsWith("*") ? name.substring(0, name.length() - 1) : name;
    if (!MATRICES.contains(plain)) {
      throw new UnreadableAnswer("the environment " + name);
    }
    if (plain.equals("array") && cursor.peek() == '{') {
      cursor.takeGroupText();
    }
    List<List<Expr>> rows = new ArrayList<>();
    List<Expr> row = new ArrayList<>();
    while (true) {
      if (endsGroup()) {
        break;
      }
      row.add(items.entry());
      if (cursor.eat('&')) {
        continue;
      }
      rows.add(row);
      row = new ArrayList<>();
      if (!cursor.eat(Characters.ROW_END)) {
        break;
      }
    }
    if (!row.isEmpty() || !cursor.peekCommand().equals("end")) {
      throw new UnreadableAnswer("a matrix that does not end");
    }
    cursor.skip("\\end".length());
    cursor.takeGroupText();
    for (List<Expr> each : rows) {
      if (each.size() != rows.get(0).size()) {
        throw new UnreadableAnswer("a matrix with rows of different lengths");
      }
    }
    Expr matrix = new Matrix(rows);
    return plain.equals("vmatrix") ? new Apply("det", List.of(matrix)) : matrix;
  }
}
