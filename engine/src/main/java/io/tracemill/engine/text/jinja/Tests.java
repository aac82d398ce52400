package io.tracemill.engine.text.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Predicate;

/** The tests by name, for {@code value is name}. */
final class Tests {
  private static final Map<String, ValueTest> BY_NAME = new HashMap<>();

  static {
    plain("defined", value -> !(value instanceof Undefined));
    plain("undefined", value -> value instanceof Undefined);
    plain("none", value -> value instanceof None);
    plain("boolean", value -> value instanceof Boolean);
    plain("true", value -> Boolean.TRUE.equals(value));
    plain("false", value -> Boolean.FALSE.equals(value));
    plain("integer", Values::isInteger);
    plain("float", value -> value instanceof Double);
    plain("number", Values::isNumber);
    plain("string", value -> value instanceof Text);
    plain("mapping", value -> value instanceof Map);
    plain("sequence", Tests::isSequence);
    plain(
        "iterable",
        value -> isSequence(value) || value instanceof DictView || value instanceof Generated);
    // Python takes an undefined value for callable, since calling it is what it refuses.
    plain("callable", value -> value instanceof Callable || value instanceof Undefined);
    plain("upper", value -> isUpper(Values.text(value).value()));
    plain("lower", value -> isLower(Values.text(value).value()));
    plain("odd", value -> remainder(value, 2L) == 1);
    plain("even", value -> remainder(value, 2L) == 0);
    withArgument("divisibleby", (value, number) -> remainder(value, number) == 0);
    withArgument("sameas", Tests::isSame);
    withArgument("in", (value, container) -> Comparisons.contains(container, value));
    aliases(Comparisons::equal, "eq", "equalto", "==");
    aliases((a, b) -> !Comparisons.equal(a, b), "ne", "!=");
    aliases((a, b) -> Comparisons.compare(a, b) < 0, "lt", "lessthan", "<");
    aliases((a, b) -> Comparisons.compare(a, b) <= 0, "le", "<=");
    aliases((a, b) -> Comparisons.compare(a, b) > 0, "gt", "greaterthan", ">");
    aliases((a, b) -> Comparisons.compare(a, b) >= 0, "ge", ">=");
  }

  private Tests() {}

  /** The test, or null if there is none of that name. */
  static ValueTest named(String name) {
    return BY_NAME.get(name);
  }

  private static void plain(String name, Predicate<Object> test) {
    BY_NAME.put(
        name,
        (value, arguments) -> {
          arguments.bind("the test " + name);
          return test.test(value);
        });
  }

  private static void withArgument(String name, BiPredicate<Object, Object> test) {
    BY_NAME.put(
        name,
        (value, arguments) ->
            test.test(value, arguments.bindRequired("the test " + name, 1, "other")[0]));
  }

  private static void aliases(BiPredicate<Object, Object> test, String... names) {
    for (String name : names) {
      withArgument(name, test);
    }
  }

  private static boolean isSequence(Object value) {
    return value instanceof Text
        || value instanceof List
        || value instanceof Map
        || value instanceof Undefined;
  }

  private static boolean isUpper(String text) {
    return text.equals(text.toUpperCase(Locale.ROOT))
        && text.codePoints().anyMatch(Character::isUpperCase);
  }

  private static boolean isLower(String text) {
    return text.equals(text.toLowerCase(Locale.ROOT))
        && text.codePoints().anyMatch(Character::isLowerCase);
  }

  private static double remainder(Object value, Object divisor) {
    Object remainder = Arithmetic.apply("%", value, divisor);
    return Values.isNumber(remainder) ? Comparisons.toDouble(remainder) : Double.NaN;
  }

  private static boolean isSame(Object value, Object other) {
    return value == other
        || Values.isNumber(value)
            && value.getClass() == other.getClass()
            && Comparisons.equal(value, other)
        || value instanceof Text && value.equals(other);
  }
}
