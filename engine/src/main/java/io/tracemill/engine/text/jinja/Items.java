package io.tracemill.engine.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reading parts of values: attributes, items and slices, in the order in which Jinja tries them.
 */
final class Items {
  private Items() {}

  /** As {@code owner.name}: an attribute or method if there is one, else the item of that name. */
  static Object attribute(Object owner, String name) {
    Object found = ownAttribute(owner, name);
    if (found != null) {
      return found;
    }
    if (owner instanceof Map<?, ?> map) {
      Object item = map.get(Text.of(name));
      if (item != null) {
        return item;
      }
    }
    return Undefined.attribute(owner, name);
  }

  /**
   * As {@code owner[key]}: the item if there is one, else for a string the attribute of that name.
   */
  static Object item(Object owner, Object key) {
    if (owner instanceof Undefined undefined) {
      throw undefined.failure();
    }
    Object found = null;
    if (owner instanceof Map<?, ?> map) {
      found = Dicts.get(map, key);
    } else if ((owner instanceof Text || owner instanceof List) && key instanceof Long index) {
      found = indexed(owner, index);
    }
    if (found == null && key instanceof Text name) {
      found = ownAttribute(owner, name.value());
      return found == null ? Undefined.attribute(owner, name.value()) : found;
    }
    return found == null ? Undefined.element(owner, key) : found;
  }

  /** As the filter {@code attr}: never an item. */
  static Object attributeOnly(Object owner, String name) {
    Object found = ownAttribute(owner, name);
    return found == null ? Undefined.attribute(owner, name) : found;
  }

  private static Object ownAttribute(Object owner, String name) {
    if (owner instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (owner instanceof Namespace namespace) {
      return namespace.get(name);
    }
    if (owner instanceof LoopVariable loop) {
      return loop.attribute(name);
    }
    if (owner instanceof Macro macro) {
      return macro.attribute(name);
    }
    return Methods.bound(owner, name);
  }

  private static Object indexed(Object owner, long index) {
    long length = Values.length(owner);
    long at = index < 0 ? index + length : index;
    if (at < 0 || at >= length) {
      return null;
    }
    if (owner instanceof Text text) {
      return text.substring(text.offset((int) at), text.offset((int) at + 1));
    }
    return ((List<?>) owner).get((int) at);
  }

  /** As {@code owner[start:stop:step]}; None stands for a part left out. */
  static Object slice(Object owner, Object start, Object stop, Object step) {
    if (!(owner instanceof Text || owner instanceof List)) {
      throw Values.failure(
          owner, "'" + Values.pythonType(owner) + "' object is not subscriptable by a slice");
    }
    int length = (int) Values.length(owner);
    int by = step == None.NONE ? 1 : Values.requireInt(step, "a slice");
    if (by == 0) {
      throw JinjaException.runtime("slice step cannot be zero");
    }
    int from = bound(start, length, by, by > 0 ? 0 : length - 1);
    int to = bound(stop, length, by, by > 0 ? length : -1);
    if (owner instanceof Text text && by == 1) {
      return from < to ? text.substring(text.offset(from), text.offset(to)) : Text.EMPTY;
    }
    List<Object> items =
        owner instanceof Text ? Values.items(owner) : new ArrayList<>((List<?>) owner);
    List<Object> picked = new ArrayList<>();
    for (long i = from; by > 0 ? i < to : i > to; i += by) {
      picked.add(items.get((int) i));
    }
    if (owner instanceof Text) {
      TextBuilder out = new TextBuilder();
      picked.forEach(each -> out.append((Text) each));
      return out.build();
    }
    return owner instanceof Tuple ? new Tuple(picked) : picked;
  }

  private static int bound(Object given, int length, int step, int missing) {
    if (given == None.NONE) {
      return missing;
    }
    long value = Values.requireInt(given, "a slice");
    if (value < 0) {
      value += length;
    }
    long lowest = step > 0 ? 0 : -1;
    long highest = step > 0 ? length : length - 1;
    return (int) Math.max(lowest, Math.min(highest, value));
  }
}
