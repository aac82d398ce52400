package io.tracemill.engine.text.jinja;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Python's {@code str.format} with positional and named fields, conversions and format
 * specifications.
 */
final class BraceFormat {
  private static final Pattern FIELD =
      Pattern.compile("([^!:{}\\[\\].]*)(?:!([rs]))?(?::([^{}]*))?");

  private BraceFormat() {}

  static Text format(Text format, Arguments arguments) {
    TextBuilder out = new TextBuilder();
    String value = format.value();
    int automatic = 0;
    for (int i = 0; i < value.length(); ) {
      char c = value.charAt(i);
      if ((c == '{' || c == '}') && value.startsWith(String.valueOf(c), i + 1)) {
        out.append(format.substring(i, i + 1));
        i += 2;
      } else if (c == '}') {
        throw JinjaException.runtime("Single '}' encountered in format string");
      } else if (c == '{') {
        int end = value.indexOf('}', i);
        if (end < 0) {
          throw JinjaException.runtime("Single '{' encountered in format string");
        }
        String field = value.substring(i + 1, end);
        Matcher match = FIELD.matcher(field);
        if (!match.matches()) {
          throw JinjaException.runtime("the format field {" + field + "} is not supported");
        }
        String name = match.group(1).isEmpty() ? String.valueOf(automatic++) : match.group(1);
        out.append(field(argument(name, arguments), match, field));
        i = end + 1;
      } else {
        int end = i;
        while (end < value.length() && value.charAt(end) != '{' && value.charAt(end) != '}') {
          end++;
        }
        out.append(format.substring(i, end));
        i = end;
      }
    }
    return out.build();
  }

  private static Text field(Object value, Matcher match, String field) {
    Object shown =
        "r".equals(match.group(2))
            ? repr(value)
            : match.group(2) != null ? Values.text(value) : value;
    Optional<FormatSpec> spec = FormatSpec.parse(match.group(3) == null ? "" : match.group(3));
    return spec.orElseThrow(
            () -> JinjaException.runtime("the format field {" + field + "} is not supported"))
        .format(shown);
  }

  static Text repr(Object value) {
    TextBuilder out = new TextBuilder();
    Printer.repr(value, out);
    return out.build();
  }

  private static Object argument(String name, Arguments arguments) {
    if (name.chars().allMatch(Character::isDigit) && name.length() < 9) {
      int index = Integer.parseInt(name);
      if (index >= arguments.positional().size()) {
        throw JinjaException.runtime(
            "Replacement index " + index + " out of range for positional args tuple");
      }
      return arguments.positional().get(index);
    }
    Object value = arguments.named().get(name);
    if (value == null) {
      throw JinjaException.runtime("the format names '" + name + "', which was not given");
    }
    return value;
  }
}
