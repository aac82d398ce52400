package io.tracemill.udf.grade.math;

import java.math.BigInteger;

/** Reads one number: separators of thousands, decimals, repeating decimals, an exponent. */
final class NumberReader {
  private static final int MAX_DIGITS = 400;
  private static final int MAX_EXPONENT = 400;

  private final Cursor cursor;
  private final boolean commaSeparates;

  /**
   * @param commaSeparates whether a comma between digits parts two items, as inside brackets,
   *     rather than groups of thousands
   */
  NumberReader(Cursor cursor, boolean commaSeparates) {
    this.cursor = cursor;
    this.commaSeparates = commaSeparates;
  }

  /** The number here; the cursor stands on a digit or a point. */
  Rational read() {
    StringBuilder digits = new StringBuilder();
    readInteger(digits);
    int scale = 0;
    Rational repeating = Rational.ZERO;
    if (cursor.here() == '.'
        && (isDigit(cursor.at(1)) || isRepeatingAt(1) || digits.length() > 0)) {
      cursor.skip(1);
      int before = digits.length();
      takeDigits(digits);
      scale = digits.length() - before;
      if (isRepeatingAt(0)) {
        repeating = readRepeating(scale);
      }
    }
    if (digits.length() == 0 && repeating.signum() == 0) {
      throw new UnreadableAnswer("a point without digits");
    }
    if (cursor.here() == '…') {
      cursor.skip(1);
      return openEnded(digits.toString(), scale);
    }
    BigInteger value = digits.length() == 0 ? BigInteger.ZERO : new BigInteger(digits.toString());
    return new Rational(value, BigInteger.TEN.pow(scale))
        .plus(repeating)
        .times(Rational.of(10).power(readExponent()));
  }

  private void readInteger(StringBuilder digits) {
    takeDigits(digits);
    int firstGroup = digits.length();
    if (firstGroup == 0 || firstGroup > 3 || digits.charAt(0) == '0') {
      // "1234{,}567" is malformed, and "0,125" is a list or a European decimal.
      return;
    }
    if (thousandsFollow("{,}")) {
      takeGroups("{,}", digits);
    } else if (!commaSeparates && thousandsFollow(",")) {
      takeGroups(",", digits);
    } else if (thousandsFollow(" ")) {
      takeGroups(" ", digits);
    }
  }

  private boolean thousandsFollow(String separator) {
    int offset = 0;
    int groups = 0;
    while (startsWith(separator, offset)) {
      int start = offset + separator.length();
      for (int i = 0; i < 3; i++) {
        if (!isDigit(cursor.at(start + i))) {
          return groups > 0 && separator.equals(" ") && !isDigit(cursor.at(start));
        }
      }
      if (isDigit(cursor.at(start + 3))) {
        return false;
      }
      offset = start + 3;
      groups++;
    }
    // "3 125/8" is a mixed number.
    return groups > 0 && !(separator.equals(" ") && cursor.at(offset) == '/');
  }

  private void takeGroups(String separator, StringBuilder digits) {
    while (startsWith(separator, 0) && isDigit(cursor.at(separator.length()))) {
      cursor.skip(separator.length());
      takeDigits(digits);
    }
  }

  private boolean startsWith(String wanted, int offset) {
    for (int i = 0; i < wanted.length(); i++) {
      if (cursor.at(offset + i) != wanted.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private void takeDigits(StringBuilder digits) {
    while (isDigit(cursor.here())) {
      digits.append(cursor.take());
      if (digits.length() > MAX_DIGITS) {
        throw new UnreadableAnswer("a number of more than " + MAX_DIGITS + " digits");
      }
    }
  }

  private boolean isRepeatingAt(int offset) {
    return startsWith("\\overline{", offset) || startsWith("\\bar{", offset);
  }

  private Rational readRepeating(int scale) {
    cursor.skip(cursor.peekCommand().length() + 1);
    String block = cursor.takeGroupText().strip();
    if (block.isEmpty() || block.length() > 40 || !block.chars().allMatch(c -> isDigit((char) c))) {
      throw new UnreadableAnswer("a bar over something else than digits");
    }
    BigInteger nines = BigInteger.TEN.pow(block.length()).subtract(BigInteger.ONE);
    return new Rational(new BigInteger(block), nines.multiply(BigInteger.TEN.pow(scale)));
  }

  /** {@code 0.333…}, where the last digits repeat at least twice more, shortest block first. */
  private static Rational openEnded(String digits, int scale) {
    for (int block = 1; block * 2 <= scale; block++) {
      String last = digits.substring(digits.length() - block);
      int copies = 1;
      int end = digits.length() - block;
      while (end - block >= digits.length() - scale
          && digits.substring(end - block, end).equals(last)) {
        copies++;
        end -= block;
      }
      if (copies >= 3 || (copies == 2 && block > 1)) {
        int fixed = scale - (digits.length() - end);
        BigInteger nines = BigInteger.TEN.pow(block).subtract(BigInteger.ONE);
        BigInteger head = end == 0 ? BigInteger.ZERO : new BigInteger(digits.substring(0, end));
        return new Rational(head, BigInteger.TEN.pow(fixed))
            .plus(new Rational(new BigInteger(last), nines.multiply(BigInteger.TEN.pow(fixed))));
      }
    }
    throw new UnreadableAnswer("an open-ended decimal without a pattern");
  }

  /** {@code e-5} or {@code E+3} right behind the digits. */
  private int readExponent() {
    char e = cursor.here();
    if (e != 'e' && e != 'E') {
      return 0;
    }
    int sign = cursor.at(1) == '-' || cursor.at(1) == '+' ? 1 : 0;
    if (!isDigit(cursor.at(1 + sign))) {
      return 0;
    }
    boolean negative = cursor.at(1) == '-';
    cursor.skip(1 + sign);
    StringBuilder digits = new StringBuilder();
    takeDigits(digits);
    int exponent = digits.length() > 4 ? MAX_EXPONENT + 1 : Integer.parseInt(digits.toString());
    if (exponent > MAX_EXPONENT) {
      throw new UnreadableAnswer("an exponent above " + MAX_EXPONENT);
    }
    return negative ? -exponent : exponent;
  }

  static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
