package io.tracemill.engine.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's formatting by {@code '%s' % value}. */
final class PercentFormat {
  private static final Pattern FIELD =
      Pattern.compile(
          "%(?:\\(([^)]*)\\))?([-+ 0#]*)(\\d{0,6})(?:\\.(\\d{0,6}))?(.?)", Pattern.DOTALL);

  private PercentFormat() {}

  static Text format(Text format, Object values) {
    List<?> positional = values instanceof Tuple tuple ? tuple : List.of(values);
    TextBuilder out = new TextBuilder();
    Matcher match = FIELD.matcher(format.value());
    int used = 0;
    int begin = 0;
    while (match.find(begin)) {
      out.append(format.substring(begin, match.start()));
      begin = match.end();
      if (match.group(5).equals("%")) {
        out.append("%");
        continue;
      }
      Object value;
      if (match.group(1) != null) {
        value = named(values, match.group(1));
      } else if (used < positional.size()) {
        value = positional.get(used++);
      } else {
        throw JinjaException.runtime("not enough arguments for format string");
      }
      out.append(field(match, value));
    }
    // Python takes whatever can be indexed, but for tuples and strings, for a mapping that need not
    // be used up.
    boolean mapped =
        values instanceof Map
            || values instanceof Undefined
            || values instanceof List && !(values instanceof Tuple);
    if (used < positional.size() && !mapped) {
      throw JinjaException.runtime("not all arguments converted during string formatting");
    }
    return out.append(format.substring(begin, format.length())).build();
  }

  private static Object named(Object values, String name) {
    Object value = values instanceof Map<?, ?> map ? map.get(Text.of(name)) : null;
    if (value == null) {
      throw JinjaException.runtime("the format names '" + name + "', which was not given");
    }
    return value;
  }

  private static Text field(Matcher match, Object value) {
    String flags = match.group(2);
    char type = match.group(5).isEmpty() ? ' ' : match.group(5).charAt(0);
    if ("srdifFxXo".indexOf(type) < 0 || flags.contains("#")) {
      throw JinjaException.runtime("the format " + match.group() + " is not supported");
    }
    boolean text = type == 's' || type == 'r';
    boolean left = flags.contains("-");
    boolean zero = flags.contains("0") && !left && !text;
    char sign = flags.contains("+") ? '+' : flags.contains(" ") ? ' ' : '-';
    String precision = match.group(4);
    Object shown = type == 'r' ? BraceFormat.repr(value) : type == 's' ? Values.text(value) : value;
    boolean integral = type == 'd' || type == 'i';
    if (integral && value instanceof Double number) {
      shown = (long) number.doubleValue();
    }
    return new FormatSpec(
            zero ? "0" : " ",
            left ? '<' : zero ? '=' : '>',
            sign,
            match.group(3).isEmpty() ? 0 : Integer.parseInt(match.group(3)),
            false,
            precision == null
                ? FormatSpec.NO_PRECISION
                : precision.isEmpty() ? 0 : Integer.parseInt(precision),
            text ? 's' : integral ? 'd' : type)
        .format(shown);
  }
}
