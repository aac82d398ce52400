package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Filters that order, cut and measure sequences. */
final class SequenceFilters {
  private SequenceFilters() {}

  static void register(Map<String, Filter> filters) {
    filters.put("length", (value, arguments, scope) -> length(value, arguments));
    filters.put("count", filters.get("length"));
    filters.put("first", (value, arguments, scope) -> end(value, arguments, "first"));
    filters.put("last", (value, arguments, scope) -> end(value, arguments, "last"));
    filters.put("list", (value, arguments, scope) -> list(value, arguments));
    filters.put("items", (value, arguments, scope) -> items(value, arguments));
    filters.put("join", (value, arguments, scope) -> join(value, arguments));
    filters.put("reverse", (value, arguments, scope) -> reverse(value, arguments));
    filters.put("sort", (value, arguments, scope) -> sort(value, arguments));
    filters.put("unique", (value, arguments, scope) -> unique(value, arguments));
    filters.put("dictsort", (value, arguments, scope) -> sortDict(value, arguments));
    filters.put("min", (value, arguments, scope) -> extreme(value, arguments, "min"));
    filters.put("max", (value, arguments, scope) -> extreme(value, arguments, "max"));
    filters.put("sum", (value, arguments, scope) -> sum(value, arguments));
    filters.put("batch", (value, arguments, scope) -> batch(value, arguments));
    filters.put("slice", (value, arguments, scope) -> slice(value, arguments));
  }

  private static Object length(Object value, Arguments arguments) {
    arguments.bind("length");
    return Values.length(value);
  }

  private static Object end(Object value, Arguments arguments, String name) {
    arguments.bind(name);
    if (name.equals("last") && value instanceof Generated) {
      throw JinjaException.runtime("'generator' object is not reversible");
    }
    List<Object> items = Values.items(value);
    if (items.isEmpty()) {
      return new Undefined("No " + name + " item, sequence was empty.");
    }
    return items.get(name.equals("first") ? 0 : items.size() - 1);
  }

  private static Object list(Object value, Arguments arguments) {
    arguments.bind("list");
    return new ArrayList<>(Values.items(value));
  }

  private static Object items(Object value, Arguments arguments) {
    arguments.bind("items");
    if (value instanceof Map<?, ?> map) {
      return new Generated(Methods.pairs(map));
    }
    if (value instanceof Undefined) {
      return new Generated(List.of());
    }
    throw JinjaException.runtime("Can only get item pairs from a mapping.");
  }

  private static Object join(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("join", "d", "attribute");
    Text separator = bound[0] == null ? Text.EMPTY : Values.text(bound[0]);
    UnaryOperator<Object> part = attribute(bound[1], null);
    TextBuilder out = new TextBuilder();
    boolean first = true;
    for (Object item : Values.items(value)) {
      if (!first) {
        out.append(separator);
      }
      out.append(Values.text(part.apply(item)));
      first = false;
    }
    return out.build();
  }

  private static Object reverse(Object value, Arguments arguments) {
    arguments.bind("reverse");
    List<Object> items = new ArrayList<>(Values.items(value));
    Collections.reverse(items);
    if (value instanceof Text) {
      TextBuilder out = new TextBuilder();
      items.forEach(each -> out.append((Text) each));
      return out.build();
    }
    return new Generated(items);
  }

  /**
   * Reads the attribute that filters such as {@code map} and {@code sort} are given: dotted names,
   * numbers being items; the value itself where none is given. {@code fallback}, if not null,
   * stands for what is undefined.
   */
  static UnaryOperator<Object> attribute(Object attribute, Object fallback) {
    if (attribute == null || attribute == None.NONE) {
      return UnaryOperator.identity();
    }
    List<Object> path = new ArrayList<>();
    if (attribute instanceof Text text) {
      for (Object part : TextParts.split(text, ".", -1)) {
        String name = ((Text) part).value();
        path.add(name.matches("\\d{1,9}") ? (Object) Long.valueOf(name) : part);
      }
    } else {
      path.add(attribute);
    }
    return item -> {
      Object value = item;
      for (Object part : path) {
        value = Items.item(value, part);
        if (value instanceof Undefined && fallback != null) {
          value = fallback;
        }
      }
      return value;
    };
  }

  private static UnaryOperator<Object> key(Object attribute, boolean caseSensitive) {
    UnaryOperator<Object> value = attribute(attribute, null);
    return caseSensitive ? value : item -> folded(value.apply(item));
  }

  private static Object folded(Object value) {
    return value instanceof Text text ? Text.of(text.value().toLowerCase(Locale.ROOT)) : value;
  }

  private static boolean flag(Object given) {
    return given != null && Values.truth(given);
  }

  private static Object sort(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sort", "reverse", "case_sensitive", "attribute");
    List<UnaryOperator<Object>> keys = new ArrayList<>();
    if (bound[2] instanceof Text text) {
      TextParts.split(text, ",", -1).forEach(part -> keys.add(key(part, flag(bound[1]))));
    } else {
      keys.add(key(bound[2], flag(bound[1])));
    }
    List<Object> items = new ArrayList<>(Values.items(value));
    Comparator<Object> order = order(keys);
    items.sort(flag(bound[0]) ? order.reversed() : order);
    return items;
  }

  private static Comparator<Object> order(List<UnaryOperator<Object>> keys) {
    return (a, b) -> {
      for (UnaryOperator<Object> key : keys) {
        int compared = Comparisons.compare(key.apply(a), key.apply(b));
        if (compared != 0) {
          return compared;
        }
      }
      return 0;
    };
  }

  private static Object unique(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("unique", "case_sensitive", "attribute");
    UnaryOperator<Object> key = key(bound[1], flag(bound[0]));
    Set<Object> seen = new LinkedHashSet<>();
    List<Object> kept = new ArrayList<>();
    for (Object item : Values.items(value)) {
      if (seen.add(Dicts.requireKey(key.apply(item)))) {
        kept.add(item);
      }
    }
    return new Generated(kept);
  }

  private static Object sortDict(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("dictsort", "case_sensitive", "by", "reverse");
    String by = bound[1] == null ? "key" : Values.requireText(bound[1], "dictsort").value();
    if (!by.equals("key") && !by.equals("value")) {
      throw JinjaException.runtime("You can only sort by either \"key\" or \"value\"");
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw Values.failure(value, "dictsort needs a dictionary, not " + Values.pythonType(value));
    }
    List<Object> pairs = Methods.pairs(map);
    Comparator<Object> order = order(List.of(key(by.equals("key") ? 0L : 1L, flag(bound[0]))));
    pairs.sort(flag(bound[2]) ? order.reversed() : order);
    return pairs;
  }

  private static Object extreme(Object value, Arguments arguments, String name) {
    Object[] bound = arguments.bind(name, "case_sensitive", "attribute");
    Comparator<Object> order = order(List.of(key(bound[1], flag(bound[0]))));
    Object best = null;
    for (Object item : Values.items(value)) {
      int compared = best == null ? 0 : order.compare(item, best);
      if (best == null || (name.equals("min") ? compared < 0 : compared > 0)) {
        best = item;
      }
    }
    return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
  }

  private static Object sum(Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sum", "attribute", "start");
    UnaryOperator<Object> part = attribute(bound[0], null);
    Object total = bound[1] == null ? 0L : bound[1];
    for (Object item : Values.items(value)) {
      total = Arithmetic.apply("+", total, part.apply(item));
    }
    return total;
  }

  private static Object batch(Object value, Arguments arguments) {
    Object[] bound = arguments.bindRequired("batch", 1, "linecount", "fill_with");
    int size = Math.max(1, Values.requireInt(bound[0], "batch"));
    List<Object> rows = new ArrayList<>();
    List<Object> row = new ArrayList<>();
    for (Object item : Values.items(value)) {
      if (row.size() == size) {
        rows.add(row);
        row = new ArrayList<>();
      }
      row.add(item);
    }
    if (!row.isEmpty()) {
      Arithmetic.checkItems(size);
      while (bound[1] != null && bound[1] != None.NONE && row.size() < size) {
        row.add(bound[1]);
      }
      rows.add(row);
    }
    return new Generated(rows);
  }

  private static Object slice(Object value, Arguments arguments) {
    Object[] bound = arguments.bindRequired("slice", 1, "slices", "fill_with");
    List<Object> items = Values.items(value);
    int slices = Values.requireInt(bound[0], "slice");
    if (slices < 1) {
      throw JinjaException.runtime("slice needs at least one slice");
    }
    Arithmetic.checkItems(slices);
    int size = items.size() / slices;
    int longer = items.size() % slices;
    List<Object> rows = new ArrayList<>();
    int begin = 0;
    for (int i = 0; i < slices; i++) {
      int end = begin + size + (i < longer ? 1 : 0);
      List<Object> row = new ArrayList<>(items.subList(begin, end));
      if (bound[1] != null && bound[1] != None.NONE && i >= longer) {
        row.add(bound[1]);
      }
      rows.add(row);
      begin = end;
    }
    return new Generated(rows);
  }
}
