package io.tracemill.udf.grade.math;

import java.util.Optional;

/**
 * Reads what stands behind a number: {@code cm^2}, {@code \text{ miles per hour}}, {@code kg/m^3},
 * {@code red apples}, {@code million dollars}.
 */
final class UnitReader {
  private final Cursor cursor;
  private Unit unit = Unit.NONE;
  private Rational scale = Rational.ONE;
  private boolean any;
  private boolean below;
  private int pendingPower = 1;

  UnitReader(Cursor cursor) {
    this.cursor = cursor;
  }

  /** A unit and what words such as "million" multiply by. */
  record Reading(Unit unit, Rational scale) {}

  /**
   * The unit here, or empty, the cursor unmoved.
   *
   * @param spaced whether a bare letter may be a unit, as in {@code 5 m}, rather than a variable,
   *     as in {@code 5m}
   */
  Optional<Reading> read(boolean spaced) {
    int start = cursor.position();
    boolean onlyText = !spaced;
    while (readOne(onlyText)) {
      onlyText = false;
    }
    if (!any) {
      cursor.moveTo(start);
      return Optional.empty();
    }
    return Optional.of(new Reading(unit, scale));
  }

  private boolean readOne(boolean bareLettersAreVariables) {
    int start = cursor.position();
    char next = cursor.peek();
    if (any && (next == '/' || next == '*')) {
      cursor.skip(1);
      below |= next == '/';
      if (!readName(false)) {
        cursor.moveTo(start);
        return false;
      }
      return true;
    }
    if (!readName(bareLettersAreVariables)) {
      cursor.moveTo(start);
      return false;
    }
    return true;
  }

  private boolean readName(boolean bareLettersAreVariables) {
    String command = cursor.peekCommand();
    if (CommandReader.isUnitCommand(command)) {
      int start = cursor.position();
      cursor.skip(command.length() + 1);
      String content = cursor.takeGroupText();
      if (!readPhrase(content)) {
        cursor.moveTo(start);
        return false;
      }
      readPower();
      return true;
    }
    char sign = cursor.peek();
    if (sign == Characters.DOLLAR || "€£¥₹¢Ω".indexOf(sign) >= 0) {
      cursor.skip(1);
      return add(Units.of(String.valueOf(sign)));
    }
    if (sign == '°' && "CF".indexOf(cursor.at(1)) >= 0) {
      String name = "°" + cursor.at(1);
      cursor.skip(2);
      return add(Units.of(name));
    }
    String word = cursor.peekLetters();
    if (word.isEmpty() || !acceptsBare(word, bareLettersAreVariables)) {
      return false;
    }
    cursor.skip(word.length());
    addWord(word);
    readPower();
    return true;
  }

  private boolean acceptsBare(String word, boolean bareLettersAreVariables) {
    if (word.equals("in")) {
      // "5 in" and "5 in^2", not "1 in 4".
      char after = cursor.at(2);
      return after == '\0' || after == '^' || after == '.' || after == ')' || after == '}';
    }
    if (word.equals("min")) {
      // Minutes, unless it is the least of what follows.
      return cursor.at(3) != '(' && cursor.at(3) != '{';
    }
    if (!Units.mayBeUnit(word) || FunctionNames.isFunction(word)) {
      return false;
    }
    if (word.length() == 1) {
      return !bareLettersAreVariables && Units.known(word).isPresent();
    }
    return word.length() > 3
        || Units.known(word).isPresent()
        || Units.scaleWord(word).isPresent()
        || isModifier(word)
        || (any && word.length() == 3);
  }

  /** The words of a {@code \text} group; false where they are not a unit. */
  private boolean readPhrase(String phrase) {
    Cursor inner = new Cursor(LatexCleaner.clean(phrase));
    boolean found = false;
    while (!inner.atEnd()) {
      char next = inner.peek();
      String word = inner.peekLetters();
      if (word.isEmpty()) {
        if (next == '/' && found) {
          inner.skip(1);
          below = true;
          continue;
        }
        if ((next == '.' || next == '-' || next == '*') && found) {
          inner.skip(1);
          continue;
        }
        if (next == '^') {
          inner.skip(1);
          pendingPowerOf(inner);
          continue;
        }
        if (next == '°' && "CF".indexOf(inner.at(1)) >= 0) {
          add(Units.of("°" + inner.at(1)));
          inner.skip(2);
          found = true;
          continue;
        }
        if (next == Characters.DOLLAR || next == '%' || next == '°') {
          inner.skip(1);
          add(next == '%' ? Unit.PERCENT : next == '°' ? Unit.DEGREE : Units.of("" + next));
          found = true;
          continue;
        }
        throw new UnreadableAnswer("words behind a number: " + phrase);
      }
      inner.skip(word.length());
      if (!Units.mayBeUnit(word)) {
        if (!found) {
          return false;
        }
        throw new UnreadableAnswer("words behind a number: " + phrase);
      }
      addWord(word);
      found = true;
    }
    any |= found;
    return found;
  }

  private static boolean isModifier(String word) {
    return switch (Words.lower(word)) {
      case "square", "sq", "cubic", "cu", "squared", "cubed", "per" -> true;
      default -> false;
    };
  }

  private Unit lastAdded = Unit.NONE;

  private void addWord(String word) {
    any = true;
    switch (Words.lower(word)) {
      case "square", "sq" -> pendingPower = 2;
      case "cubic", "cu" -> pendingPower = 3;
      case "squared" -> unit = unit.times(lastAdded);
      case "cubed" -> unit = unit.times(lastAdded).times(lastAdded);
      case "per" -> below = true;
      case "celsius", "fahrenheit" -> {
        // "degrees Celsius" is one unit.
        unit = unit.equals(Unit.DEGREE) ? Unit.NONE : unit;
        add(Units.of(word));
      }
      default -> {
        Optional<Rational> factor = Units.scaleWord(word);
        if (factor.isPresent()) {
          scale = scale.times(factor.get());
        } else {
          add(Units.of(word));
        }
      }
    }
  }

  private boolean add(Unit next) {
    any = true;
    Unit powered = next.power(pendingPower);
    lastAdded = below ? powered.power(-1) : powered;
    unit = unit.times(lastAdded);
    pendingPower = 1;
    return true;
  }

  /** {@code ^2} behind a unit. */
  private void readPower() {
    if (cursor.here() == '.' && !NumberReader.isDigit(cursor.at(1))) {
      cursor.skip(1);
    }
    if (cursor.peek() != '^') {
      return;
    }
    cursor.skip(1);
    pendingPowerOf(cursor);
  }

  private void pendingPowerOf(Cursor source) {
    boolean braced = source.eat('{');
    boolean negative = source.eat('-');
    char digit = source.peek();
    if (!NumberReader.isDigit(digit) || digit == '0') {
      throw new UnreadableAnswer("a unit to an unknown power");
    }
    source.skip(1);
    if (braced) {
      source.expect('}');
    }
    int power = negative ? '0' - digit : digit - '0';
    unit = unit.times(lastAdded.power(power - 1));
  }
}
