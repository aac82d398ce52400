package io.tracemill.engine.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Width, alignment, precision and type of one formatted value, shared by {@code %} and {@code
 * str.format}.
 */
record FormatSpec(
    String fill, char align, char sign, int width, boolean thousands, int precision, char type) {
  /** No precision was given. */
  static final int NO_PRECISION = -1;

  private static final Pattern BRACE =
      Pattern.compile(
          "(?:(.)?([<>=^]))?([-+ ]?)(0?)(\\d{0,6})(,?)(?:\\.(\\d{1,6}))?([a-zA-Z%]?)",
          Pattern.DOTALL);

  /** Reads what follows the colon in {@code {:...}}. */
  static Optional<FormatSpec> parse(String spec) {
    Matcher match = BRACE.matcher(spec);
    if (!match.matches()) {
      return Optional.empty();
    }
    boolean zero = !match.group(4).isEmpty();
    String fill = match.group(1) != null ? match.group(1) : zero ? "0" : " ";
    char align = match.group(2) != null ? match.group(2).charAt(0) : zero ? '=' : ' ';
    return Optional.of(
        new FormatSpec(
            fill,
            align,
            match.group(3).isEmpty() ? '-' : match.group(3).charAt(0),
            match.group(5).isEmpty() ? 0 : Integer.parseInt(match.group(5)),
            !match.group(6).isEmpty(),
            match.group(7) == null ? NO_PRECISION : Integer.parseInt(match.group(7)),
            match.group(8).isEmpty() ? ' ' : match.group(8).charAt(0)));
  }

  /**
   * The value formatted; fails for a type of format that is not supported or does not fit the
   * value.
   */
  Text format(Object value) {
    boolean number =
        Values.isNumber(value) && type != 's' && !(type == ' ' && value instanceof Boolean);
    if (!number) {
      if (type != 's' && type != ' ') {
        throw mismatch(value);
      }
      Text text = Values.text(value);
      if (precision != NO_PRECISION && precision < text.codePointCount()) {
        text = text.substring(0, text.offset(precision));
      }
      return pad(text, align == ' ' ? '<' : align);
    }
    String digits = digits(value);
    boolean negative = digits.startsWith("-");
    String prefix = negative ? "-" : sign == '-' ? "" : String.valueOf(sign);
    digits = negative ? digits.substring(1) : digits;
    if (thousands) {
      digits = grouped(digits);
    }
    if (align == '=') {
      int missing = Math.max(0, width - prefix.length() - digits.length());
      return Text.of(prefix + fill.repeat(missing) + digits);
    }
    return pad(Text.of(prefix + digits), align == ' ' ? '>' : align);
  }

  private String digits(Object value) {
    int places = precision == NO_PRECISION ? 6 : precision;
    switch (type) {
      case ' ':
        if (value instanceof Double && precision != NO_PRECISION) {
          throw JinjaException.runtime("a format with a precision needs a type such as 'f'");
        }
        return Values.text(value).value();
      case 'f', 'F', '%':
        double number = Comparisons.toDouble(value) * (type == '%' ? 100 : 1);
        if (Double.isNaN(number) || Double.isInfinite(number)) {
          return PythonText.repr(number);
        }
        String fixed =
            new BigDecimal(number).setScale(places, RoundingMode.HALF_EVEN).toPlainString();
        return (number < 0 && !fixed.startsWith("-") ? "-" : "") + fixed + (type == '%' ? "%" : "");
      case 'd':
        return integer(value).toString();
      case 'x':
        return integer(value).toString(16);
      case 'X':
        return integer(value).toString(16).toUpperCase(Locale.ROOT);
      case 'o':
        return integer(value).toString(8);
      case 'b':
        return integer(value).toString(2);
      default:
        throw JinjaException.runtime("the format type '" + type + "' is not supported");
    }
  }

  private BigInteger integer(Object value) {
    if (value instanceof Double) {
      throw mismatch(value);
    }
    return Comparisons.toBigInteger(value);
  }

  private JinjaException mismatch(Object value) {
    return Values.failure(
        value,
        "the format type '" + type + "' does not fit a value of type " + Values.pythonType(value));
  }

  private static String grouped(String digits) {
    int end = digits.indexOf('.') < 0 ? digits.length() : digits.indexOf('.');
    StringBuilder out = new StringBuilder(digits);
    for (int at = end - 3; at > 0; at -= 3) {
      out.insert(at, ',');
    }
    return out.toString();
  }

  private Text pad(Text text, char side) {
    int missing = width - text.codePointCount();
    if (missing <= 0) {
      return text;
    }
    int left = side == '<' ? 0 : side == '^' ? missing / 2 : missing;
    return Text.of(fill.repeat(left)).plus(text).plus(Text.of(fill.repeat(missing - left)));
  }
}
