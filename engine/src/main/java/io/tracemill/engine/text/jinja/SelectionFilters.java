package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * {@code map}, {@code select}, {@code reject} and their kin: filters that take the name of a test
 * or filter.
 */
final class SelectionFilters {
  /** Filters whose argument at the given place names a test. */
  private static final Set<String> SELECT = Set.of("select", "reject");

  private static final Set<String> SELECT_ATTRIBUTE = Set.of("selectattr", "rejectattr");

  private SelectionFilters() {}

  static void register(Map<String, Filter> filters) {
    filters.put("map", SelectionFilters::map);
    filters.put("select", (value, arguments, scope) -> select(value, arguments, "select"));
    filters.put("reject", (value, arguments, scope) -> select(value, arguments, "reject"));
    filters.put("selectattr", (value, arguments, scope) -> select(value, arguments, "selectattr"));
    filters.put("rejectattr", (value, arguments, scope) -> select(value, arguments, "rejectattr"));
  }

  /** Fails if a filter call names, as a literal, a test or filter that does not exist. */
  static void checkNames(String filter, Expressions.CallArguments arguments, int line) {
    int place = SELECT_ATTRIBUTE.contains(filter) ? 1 : 0;
    boolean takesTest = SELECT.contains(filter) || SELECT_ATTRIBUTE.contains(filter);
    if (!takesTest && !filter.equals("map") || arguments.positional().size() <= place) {
      return;
    }
    if (arguments.positional().get(place) instanceof Expressions.Constant constant
        && constant.value() instanceof Text name) {
      boolean known =
          takesTest ? Tests.named(name.value()) != null : Filters.named(name.value()) != null;
      if (!known) {
        throw JinjaException.unsupported(
            line, "the " + (takesTest ? "test" : "filter") + " '" + name + "' is not supported");
      }
    }
  }

  private static Object map(Object value, Arguments arguments, Scope scope) {
    if (!Values.truth(value)) {
      return new Generated(List.of());
    }
    UnaryOperator<Object> change;
    if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
      Object[] bound = arguments.bind("map", "attribute", "default");
      change = SequenceFilters.attribute(bound[0], bound[1]);
    } else {
      String name = name(arguments.positional(), 0, "map");
      Filter filter = Filters.named(name);
      if (filter == null) {
        throw JinjaException.runtime("the filter '" + name + "' is not supported");
      }
      Arguments rest = new Arguments(rest(arguments.positional(), 1), arguments.named());
      change = item -> filter.apply(item, rest, scope);
    }
    List<Object> mapped = new ArrayList<>();
    for (Object item : Values.items(value)) {
      scope.state().step();
      mapped.add(change.apply(item));
    }
    return new Generated(mapped);
  }

  private static Object select(Object value, Arguments arguments, String filter) {
    if (!Values.truth(value)) {
      return new Generated(List.of());
    }
    boolean byAttribute = SELECT_ATTRIBUTE.contains(filter);
    List<Object> given = arguments.positional();
    if (byAttribute && given.isEmpty()) {
      throw JinjaException.runtime(filter + " needs the name of an attribute");
    }
    UnaryOperator<Object> part =
        byAttribute ? SequenceFilters.attribute(given.get(0), null) : UnaryOperator.identity();
    Predicate<Object> holds =
        condition(rest(given, byAttribute ? 1 : 0), arguments.named(), filter);
    boolean wanted = filter.startsWith("select");
    List<Object> kept = new ArrayList<>();
    for (Object item : Values.items(value)) {
      if (holds.test(part.apply(item)) == wanted) {
        kept.add(item);
      }
    }
    return new Generated(kept);
  }

  private static Predicate<Object> condition(
      List<Object> given, Map<String, Object> named, String filter) {
    if (given.isEmpty()) {
      return Values::truth;
    }
    String name = name(given, 0, filter);
    ValueTest test = Tests.named(name);
    if (test == null) {
      throw JinjaException.runtime("the test '" + name + "' is not supported");
    }
    Arguments rest = new Arguments(rest(given, 1), named);
    return item -> test.holds(item, rest);
  }

  private static String name(List<Object> positional, int index, String filter) {
    if (positional.size() <= index) {
      throw JinjaException.runtime(filter + " needs the name of a filter or test");
    }
    return Values.requireText(positional.get(index), filter).value();
  }

  private static List<Object> rest(List<Object> items, int from) {
    return items.size() <= from ? List.of() : items.subList(from, items.size());
  }
}
