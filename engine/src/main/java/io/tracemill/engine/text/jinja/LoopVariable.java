package io.tracemill.engine.text.jinja;

import java.util.List;

/** The variable {@code loop} inside a {@code for}. */
final class LoopVariable {
  /** Every name after {@code loop.} that is understood. */
  static final List<String> ATTRIBUTES =
      List.of(
          "index",
          "index0",
          "revindex",
          "revindex0",
          "first",
          "last",
          "length",
          "depth",
          "depth0",
          "previtem",
          "nextitem",
          "cycle",
          "changed");

  private final List<Object> items;
  private int index;
  private Object lastChecked;

  LoopVariable(List<Object> items) {
    this.items = items;
  }

  void moveTo(int next) {
    index = next;
  }

  /** The attribute, or null if a loop has none of that name. */
  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> (long) items.size() - index - 1;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      case "depth" -> 1L;
      case "depth0" -> 0L;
      case "previtem" ->
          index > 0 ? items.get(index - 1) : new Undefined("there is no previous item");
      case "nextitem" ->
          index + 1 < items.size() ? items.get(index + 1) : new Undefined("there is no next item");
      case "cycle" -> (Callable) (arguments, scope) -> cycle(arguments.positional());
      case "changed" -> (Callable) (arguments, scope) -> changed(arguments.positional());
      default -> null;
    };
  }

  private Object cycle(List<Object> values) {
    if (values.isEmpty()) {
      throw JinjaException.runtime("no items for cycling given");
    }
    return values.get(index % values.size());
  }

  private Object changed(List<Object> values) {
    Tuple now = new Tuple(values);
    boolean changed = lastChecked == null || !Comparisons.equal(now, lastChecked);
    lastChecked = now;
    return changed;
  }
}
