package io.tracemill.udf.grade.math;

import io.tracemill.udf.grade.math.Expr.Apply;
import io.tracemill.udf.grade.math.Expr.Seq;
import io.tracemill.udf.grade.math.Expr.Sym;
import io.tracemill.udf.grade.math.Expr.Word;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Reads bare letters: functions, Greek names, words, and otherwise one variable a letter, so that
 * {@code xy} is x times y.
 */
final class LetterReader {
  /** Short words that would otherwise be products of variables. */
  private static final Set<String> SHORT_WORDS =
      Set.of(
          "yes", "no", "all", "any", "odd", "the", "day", "set", "not", "non", "dne", "und", "one",
          "two", "six", "ten", "is", "am", "pm", "up", "mon", "tue", "wed", "thu", "fri", "sat",
          "sun", "red", "he", "she", "it", "of", "for", "to");

  private static final Set<String> FUNCTION_LETTERS = Set.of("f", "g", "h", "F", "G", "H");

  private final Cursor cursor;
  private final ExprParser parser;
  private final CommandReader commands;

  LetterReader(Cursor cursor, ExprParser parser, CommandReader commands) {
    this.cursor = cursor;
    this.parser = parser;
    this.commands = commands;
  }

  Expr read() {
    String run = cursor.peekLetters();
    Optional<String> function = FunctionNames.canonical(run);
    if (function.isPresent()) {
      cursor.skip(run.length());
      return commands.function(function.get());
    }
    if (run.equals("pi")) {
      cursor.skip(2);
      return new Sym("π");
    }
    if (run.equals("infinity") || run.equals("inf")) {
      cursor.skip(run.length());
      return new Sym("∞");
    }
    if (FunctionNames.isGreek(run)) {
      cursor.skip(run.length());
      return new Sym(commands.withSubscript("\\" + run));
    }
    if (run.equals("half")) {
      cursor.skip(run.length());
      return Exprs.quotient(Exprs.number(1), Exprs.number(2));
    }
    Optional<Integer> number = Words.number(run);
    if (number.isPresent()) {
      cursor.skip(run.length());
      return Exprs.number(number.get());
    }
    if (run.length() > 3 || SHORT_WORDS.contains(Words.lower(run))) {
      return word();
    }
    return variables(run);
  }

  /** One variable a letter; the last one takes the subscript, the primes and a power. */
  private Expr variables(String run) {
    List<Expr> letters = new ArrayList<>();
    for (int i = 0; i < run.length() - 1; i++) {
      letters.add(new Sym(run.substring(i, i + 1)));
    }
    cursor.skip(run.length());
    String last = commands.withSubscript(run.substring(run.length() - 1));
    if (run.length() == 1 && isInverse(run)) {
      cursor.skip("^{-1}".length());
      return new Apply(last + "⁻¹", List.of(parser.factor()));
    }
    if (run.length() == 1
        && (FUNCTION_LETTERS.contains(run) || isProbability(run))
        && (cursor.here() == '(' || last.endsWith("'") && cursor.here() == '(')) {
      Expr argument = parser.factor();
      List<Expr> arguments = argument instanceof Seq seq ? seq.items() : List.of(argument);
      return new Apply(last, arguments);
    }
    Expr symbol = new Sym(last);
    if (letters.isEmpty()) {
      return symbol;
    }
    if (cursor.here() == '^') {
      cursor.skip(1);
      symbol = Exprs.power(symbol, parser.exponent());
    }
    letters.add(symbol);
    return Exprs.product(letters);
  }

  /** {@code f^{-1}(x)} is the inverse function, not a quotient. */
  private boolean isInverse(String letter) {
    String wanted = "^{-1}(";
    for (int i = 0; i < wanted.length(); i++) {
      if (cursor.at(i) != wanted.charAt(i)) {
        return false;
      }
    }
    return FUNCTION_LETTERS.contains(letter);
  }

  /** {@code P(A)}, but not the product {@code P(1+r)}. */
  private boolean isProbability(String letter) {
    char argument = cursor.at(1);
    return letter.equals("P") && argument >= 'A' && argument <= 'Z';
  }

  private Expr word() {
    StringBuilder text = new StringBuilder();
    while (true) {
      String run = cursor.peekLetters();
      if (run.isEmpty()) {
        break;
      }
      String lower = Words.lower(run);
      if (text.length() > 0 && (lower.equals("and") || lower.equals("or"))) {
        break;
      }
      cursor.skip(run.length());
      text.append(text.length() == 0 ? "" : " ").append(lower);
      cursor.skipSpaces();
    }
    return switch (text.toString()) {
      case "all real numbers", "all reals", "all real values", "any real number" -> new Sym("ℝ");
      case "dne" -> new Word("does not exist");
      default -> new Word(Words.plain(text.toString()));
    };
  }
}
