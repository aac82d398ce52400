package io.tracemill.udf.grade.math;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What polynomials treat as their variables: symbols, and every subexpression that is no
 * polynomial, such as a root. A root knows its radicand and degree, so that its power can be
 * replaced.
 */
final class Atoms {
  /** A root among the atoms: {@code atom^degree = radicand}. */
  record Root(String atom, Expr radicand, int degree) {}

  private final Set<String> names = new TreeSet<>();
  private final Map<String, Root> roots = new LinkedHashMap<>();
  private boolean opaque;

  /** The atom of a symbol. */
  String symbol(String name) {
    names.add(name);
    return name;
  }

  /** The atom of a root of small degree. */
  String root(Expr radicand, int degree) {
    String name = "root" + degree + "(" + Canonical.print(radicand) + ")";
    names.add(name);
    roots.put(name, new Root(name, radicand, degree));
    return name;
  }

  /** The atom of a subexpression that polynomials know nothing about. */
  String opaque(Expr expr) {
    opaque = true;
    String name = "{" + Canonical.print(expr) + "}";
    names.add(name);
    return name;
  }

  /** Whether atoms may depend on each other in ways that polynomials cannot see. */
  boolean mayDepend() {
    return opaque || !roots.isEmpty();
  }

  List<Root> roots() {
    return new ArrayList<>(roots.values());
  }

  List<String> sorted() {
    return List.copyOf(names);
  }
}
