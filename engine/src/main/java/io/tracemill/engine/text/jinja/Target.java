package io.tracemill.engine.text.jinja;

import java.util.List;

/** The left side of an assignment: a name, an attribute of a namespace, or several of them. */
interface Target {
  void assign(Object value, Scope scope);

  record ToName(String name) implements Target {
    @Override
    public void assign(Object value, Scope scope) {
      scope.set(name, value);
    }
  }

  record ToAttribute(String namespace, String attribute) implements Target {
    @Override
    public void assign(Object value, Scope scope) {
      if (!(scope.lookup(namespace) instanceof Namespace target)) {
        throw JinjaException.runtime("cannot assign attribute on non-namespace object");
      }
      target.set(attribute, value);
    }
  }

  record ToTuple(List<Target> targets) implements Target {
    @Override
    public void assign(Object value, Scope scope) {
      List<Object> items = Values.items(value);
      if (items.size() != targets.size()) {
        throw JinjaException.runtime(
            (items.size() > targets.size()
                    ? "too many values to unpack"
                    : "not enough values to unpack")
                + " (expected "
                + targets.size()
                + ", got "
                + items.size()
                + ")");
      }
      for (int i = 0; i < items.size(); i++) {
        targets.get(i).assign(items.get(i), scope);
      }
    }
  }
}
